import { validCertificate } from '../../certificates.ts'
import { toBase64url } from '../../keys/test-keys.ts'
import { type BadToken, type BadTokenRow, badTokenTable, type Forge } from '../forge.ts'

/** Headers that contain or reference a key, have a hostile `kid`, require extensions, or declare another kind of token. */
export async function badHeaders(forge: Forge): Promise<readonly BadToken[]> {
  return [
    ...(await badTokenTable([4], injected(forge))),
    ...(await badTokenTable([5], kids(forge))),
    ...(await badTokenTable([16], extensions(forge))),
    ...(await badTokenTable([21], types(forge))),
  ]
}

function injected({ header, parts, attacker, trapUrl }: Forge): readonly BadTokenRow[] {
  const byAttacker = async (changes: object): Promise<string> => {
    const input = `${toBase64url(JSON.stringify({ ...header, ...changes }))}.${parts[1]}`
    return `${input}.${await attacker.signWith(input)}`
  }
  const certificate = validCertificate.cert.replaceAll(/-----[^-]+-----|\s/g, '')
  const jwk = attacker.publicJwk
  return [
    ["jwk of the attacker, the real key's kid", byAttacker({ jwk })],
    ["jwk of the attacker, the attacker's kid", byAttacker({ jwk, kid: attacker.kid })],
    ['jwk of the attacker, no kid', byAttacker({ jwk, kid: undefined })],
    ...['jku', 'x5u', 'x5t'].flatMap((name): readonly BadTokenRow[] => [
      [`${name} with a URL, the attacker's kid`, byAttacker({ [name]: trapUrl, kid: attacker.kid })],
      [`${name} with a URL, the real key's kid`, byAttacker({ [name]: trapUrl })],
      [`${name} with a URL, no kid`, byAttacker({ [name]: trapUrl, kid: undefined })],
    ]),
    [
      'jku with a data URL of a JWK Set',
      byAttacker({ jku: `data:application/json,${JSON.stringify({ keys: [jwk] })}` }),
    ],
    ["x5c with a certificate, the attacker's kid", byAttacker({ x5c: [certificate], kid: attacker.kid })],
    ["x5c with a certificate, the real key's kid", byAttacker({ x5c: [certificate] })],
    ['x5c with a certificate, no kid', byAttacker({ x5c: [certificate], kid: undefined })],
  ]
}

function kids({ kid, withHeader }: Forge): readonly BadTokenRow[] {
  const values: Readonly<Record<string, unknown>> = {
    'an object': { kid },
    'an object with a toString member': { toString: kid },
    'an array': [kid],
    'a number': 1,
    'a boolean': true,
    null: null,
    empty: '',
    'a megabyte long': kid + 'x'.repeat(1_000_000),
    '257 characters long': 'k'.repeat(257),
    'a path': '../../../../../../dev/null',
    'a file URL': 'file:///dev/null',
    'a URL': 'https://claimgate.invalid/key.pem',
    SQL: "x' UNION SELECT 'secret' --",
    'a shell command': '$(id)|`id`',
    'the real one and a null character': `${kid}\u0000`,
    'the real one and a newline': `${kid}\r\nx: y`,
    'the real one and a bell': `${kid}\u0007`,
    'the real one and a space': `${kid} `,
    'the real one and a soft hyphen': `${kid}\u00AD`,
  }
  const members = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']
  return [
    ...Object.entries(values).map(([name, value]): BadTokenRow => [`kid ${name}`, withHeader({ kid: value })]),
    ...members.map((value): BadTokenRow => [`kid "${value}"`, withHeader({ kid: value })]),
  ]
}

function extensions({ header, claims, withHeader, signParts }: Forge): readonly BadTokenRow[] {
  return [
    ['crit with an unknown extension', withHeader({ crit: ['x'], x: 1 })],
    ['crit with a known parameter', withHeader({ crit: ['alg'] })],
    ['crit empty', withHeader({ crit: [] })],
    ['crit a string', withHeader({ crit: 'exp' })],
    ['crit null', withHeader({ crit: null })],
    ['b64 true', withHeader({ b64: true })],
    ['b64 false', withHeader({ b64: false })],
    ['b64 true with crit', withHeader({ b64: true, crit: ['b64'] })],
    // RFC 7797: with b64 false the claims are signed unencoded.
    [
      'b64 false with crit over unencoded claims',
      signParts(toBase64url(JSON.stringify({ ...header, b64: false, crit: ['b64'] })), JSON.stringify(claims)),
    ],
  ]
}

function types({ withHeader }: Forge): readonly BadTokenRow[] {
  const others = [
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'application/logout+jwt',
    'LOGOUT+JWT',
    'Application/DPoP+JWT',
  ]
  return [
    ...others.map((typ): BadTokenRow => [`typ "${typ}"`, withHeader({ typ })]),
    ['typ an array', withHeader({ typ: ['at+jwt'] })],
    ['typ a number', withHeader({ typ: 1 })],
  ]
}
