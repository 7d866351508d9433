import { type BadToken, type BadTokenRow, badTokenTable, type Forge, textOf } from '../forge.ts'

/** Correctly signed claims: expired, not yet valid, wrong issuer, wrong audience, or another kind of token. */
export async function badClaims(forge: Forge): Promise<readonly BadToken[]> {
  return [
    ...(await badTokenTable([17], times(forge))),
    ...(await badTokenTable([18], issuers(forge))),
    ...(await badTokenTable([19], audiences(forge))),
    ...(await badTokenTable([21], otherTokens(forge))),
    ...(await badTokenTable([21], [...idTokens(forge, 'JWT'), ...idTokens(forge, undefined)])),
    // An ID token never has the typ of an access token, so a resource server may trust the header here.
    ...(await badTokenTable([21], idTokens(forge, 'at+jwt'), 'optional')),
    ...(await badTokenTable([40], confirmations(forge))),
  ]
}

function times({ now, header, claims, withClaims, signTexts }: Forge): readonly BadTokenRow[] {
  const raw = (name: string, literal: string): Promise<string> => {
    const { [name]: _, ...others } = claims
    return signTexts(JSON.stringify(header), `${JSON.stringify(others).slice(0, -1)},"${name}":${literal}}`)
  }
  const wrongTypes = (name: string): readonly BadTokenRow[] => [
    [`${name} a string`, withClaims({ [name]: String(now) })],
    // Some issuers write null for an absent nbf.
    ...(name === 'nbf' ? [] : [[`${name} null`, withClaims({ [name]: null })] as const]),
    [`${name} a boolean`, withClaims({ [name]: true })],
    [`${name} an array`, withClaims({ [name]: [now + 3_600] })],
    [`${name} an object`, withClaims({ [name]: {} })],
    [`${name} negative`, withClaims({ [name]: -1 })],
    [`${name} 1e999`, raw(name, '1e999')],
    [`${name} -1e999`, raw(name, '-1e999')],
    [`${name} in the year 10000`, withClaims({ [name]: 253_402_300_800 })],
    [`${name} in milliseconds`, withClaims({ [name]: now * 1_000 })],
  ]
  return [
    ['exp missing', withClaims({ exp: undefined })],
    ['exp an hour ago', withClaims({ exp: now - 3_600 })],
    ['exp ten minutes ago', withClaims({ exp: now - 600 })],
    ['exp 0', withClaims({ exp: 0 })],
    ...['exp', 'nbf', 'iat'].flatMap(wrongTypes),
    ['nbf in an hour', withClaims({ nbf: now + 3_600 })],
    ['iat in an hour', withClaims({ iat: now + 3_600 })],
  ]
}

function issuers({ claims, withClaims }: Forge): readonly BadTokenRow[] {
  const iss = textOf(claims['iss']) ?? ''
  const values: Readonly<Record<string, unknown>> = {
    missing: undefined,
    null: null,
    empty: '',
    'a number': 1,
    'an array': [iss],
    'an object': { iss },
    'of another issuer': 'https://attacker.example',
    'different by a trailing slash': iss.endsWith('/') ? iss.slice(0, -1) : `${iss}/`,
    'in another letter case': iss === iss.toUpperCase() ? iss.toLowerCase() : iss.toUpperCase(),
    'with another scheme': iss.startsWith('https:') ? iss.replace('https:', 'http:') : `https://${iss}`,
    'with a suffix': `${iss}.attacker.example`,
    'with userinfo': iss.replace('://', '://x@') === iss ? `x@${iss}` : iss.replace('://', '://x@'),
    truncated: iss.slice(0, -1),
    'with a leading space': ` ${iss}`,
  }
  return Object.entries(values).map(([name, value]) => [`iss ${name}`, withClaims({ iss: value })])
}

function audiences({ claims, withClaims }: Forge): readonly BadTokenRow[] {
  const aud = textOf(Array.isArray(claims['aud']) ? claims['aud'][0] : claims['aud']) ?? ''
  const values: Readonly<Record<string, unknown>> = {
    missing: undefined,
    null: null,
    empty: '',
    'a number': 1,
    'an object': { [aud]: true, aud },
    'an object like an array': { 0: aud, length: 1 },
    'an empty array': [],
    'an array in an array': [[aud]],
    'an array with a number': [aud, 1],
    'an array with null': [null, aud],
    'of another API': 'https://attacker.example',
    'an array of another API': ['https://attacker.example'],
    'a part of the right one': aud.slice(0, -1),
    'with a suffix': `${aud}x`,
    'in another letter case': aud === aud.toUpperCase() ? aud.toLowerCase() : aud.toUpperCase(),
    'different by a trailing slash': aud.endsWith('/') ? aud.slice(0, -1) : `${aud}/`,
    'two in one string': `${aud} https://attacker.example`,
    '200 of them': [...Array.from({ length: 199 }, (_, n) => `a${n}`), aud],
  }
  return Object.entries(values).map(([name, value]) => [`aud ${name}`, withClaims({ aud: value })])
}

function otherTokens({ withClaims }: Forge): readonly BadTokenRow[] {
  const logout = 'http://schemas.openid.net/event/backchannel-logout'
  return [
    ['events of a logout token', withClaims({ events: { [logout]: {} } })],
    ['events empty', withClaims({ events: {} })],
    ['events null', withClaims({ events: null })],
  ]
}

/** The typical claims of an ID token (OpenID Connect Core sections 2 and 3.3.2.11) with a given `typ`. */
function idTokens({ header, claims, signTexts }: Forge, typ: string | undefined): readonly BadTokenRow[] {
  const marks = { nonce: 'n-0S6_WzA2Mj', at_hash: '77QmUPtjPfzWtF2AnpK9RQ', c_hash: 'LDktKdoQak3Pk0cnXxCltA' }
  return Object.entries(marks).map(([name, value]) => [
    `ID token: ${name}, ${typ === undefined ? 'no typ' : `typ "${typ}"`}`,
    signTexts(JSON.stringify({ ...header, typ }), JSON.stringify({ ...claims, [name]: value })),
  ])
}

function confirmations({ attacker, withClaims }: Forge): readonly BadTokenRow[] {
  const thumbprint = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
  const { kty, crv, x, y, n, e } = attacker.publicJwk
  const values: Readonly<Record<string, unknown>> = {
    'a DPoP thumbprint': { jkt: thumbprint },
    'a certificate thumbprint': { 'x5t#S256': thumbprint },
    'a key': { jwk: { kty, crv, x, y, n, e } },
    'an unknown method': { 'urn:example:method': true },
    'an empty object': {},
    'a string': thumbprint,
    'an array': [{ jkt: thumbprint }],
    null: null,
  }
  return Object.entries(values).map(([name, value]) => [`cnf ${name}`, withClaims({ cnf: value })])
}
