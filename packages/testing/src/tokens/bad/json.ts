import { type BadToken, type BadTokenRow, badTokenTable, type Forge, textOf } from '../forge.ts'

/** Correctly signed headers and claims whose JSON is broken, ambiguous, or expensive to parse. */
export async function badJson(forge: Forge): Promise<readonly BadToken[]> {
  return [
    ...(await badTokenTable([13], duplicates(forge))),
    ...(await badTokenTable([14], prototypes(forge), 'optional')),
    ...(await badTokenTable([15], burdens(forge))),
    ...(await badTokenTable([15], characters(forge))),
    ...(await badTokenTable([], notObjects(forge))),
  ]
}

function duplicates(forge: Forge): readonly BadTokenRow[] {
  const { alg, kid, signTexts } = forge
  const header = JSON.stringify(forge.header)
  const claims = JSON.stringify(forge.claims)
  const inHeader = { alg: ['none', alg], kid: ['other', kid], typ: ['dpop+jwt', 'at+jwt'] }
  const inClaims = {
    iss: ['https://attacker.example', forge.claims['iss']],
    aud: ['https://attacker.example', forge.claims['aud']],
    exp: [forge.now - 3_600, forge.claims['exp']],
    nbf: [forge.now + 86_400, 0],
    sub: ['admin', forge.claims['sub'] ?? 'user'],
    scope: ['admin', forge.claims['scope'] ?? 'read'],
  }
  return [
    ...Object.entries(inHeader).flatMap(([name, values]) =>
      doubled(header, name, values).map(([what, text]): BadTokenRow => [
        `duplicate ${name} in the header${what}`,
        signTexts(text, claims),
      ]),
    ),
    ...Object.entries(inClaims).flatMap(([name, values]) =>
      doubled(claims, name, values).map(([what, text]): BadTokenRow => [
        `duplicate ${name} in the claims${what}`,
        signTexts(header, text),
      ]),
    ),
  ]
}

/** A JSON object with a duplicate member: in either order, and with one of the names escaped. */
function doubled(
  object: string,
  name: string,
  [bad, good]: readonly unknown[],
): readonly (readonly [string, string])[] {
  const rest = JSON.parse(object) as Record<string, unknown>
  delete rest[name]
  const others = JSON.stringify(rest).slice(1, -1)
  const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
  const join = (...twice: readonly string[]): string => `{${[...twice, others].filter(Boolean).join(',')}}`
  return [
    [', the bad one first', join(member(name, bad), member(name, good))],
    [', the bad one last', join(member(name, good), member(name, bad))],
    [', the same value', join(member(name, good), member(name, good))],
    [', one name escaped, the bad one first', join(member(escaped, bad), member(name, good))],
    [', one name escaped, the bad one last', join(member(name, good), member(escaped, bad))],
  ]
}

const evil = '{"polluted":"yes","scope":"admin","toString":"x"}'

function prototypes({ header, claims, signTexts }: Forge): readonly BadTokenRow[] {
  const names = ['__proto__', '\\u005f_proto__', 'constructor', 'prototype']
  return [
    ...names.flatMap((name): readonly BadTokenRow[] => [
      [`member ${name} in the claims`, signTexts(JSON.stringify(header), withMember(claims, name, evil))],
      [`member ${name} in the header`, signTexts(withMember(header, name, evil), JSON.stringify(claims))],
    ]),
    [
      'member __proto__ in an object in the claims',
      signTexts(JSON.stringify(header), withMember(claims, 'nested', `{"__proto__":${evil}}`)),
    ],
    [
      'member constructor.prototype in the claims',
      signTexts(JSON.stringify(header), withMember(claims, 'constructor', `{"prototype":${evil}}`)),
    ],
  ]
}

function burdens({ header, claims, withClaims, signTexts }: Forge): readonly BadTokenRow[] {
  const adding = (text: string): Promise<string> => signTexts(JSON.stringify(header), withMember(claims, 'x', text))
  const headerWith = (text: string): Promise<string> => signTexts(withMember(header, 'x', text), JSON.stringify(claims))
  return [
    ['arrays 100 deep in the claims', adding(deep(100, '[', '', ']'))],
    ['arrays 5,000 deep in the claims', adding(deep(5_000, '[', '', ']'))],
    ['arrays that never close in the claims', adding('['.repeat(11_000))],
    ['objects 100 deep in the claims', adding(deep(100, '{"a":', '0', '}'))],
    ['arrays 100 deep in the header', headerWith(deep(100, '[', '', ']'))],
    ['1,100 members in the claims', withClaims(manyMembers(1_100))],
    ['1,100 members of an object in the claims', withClaims({ x: manyMembers(1_100) })],
    ['5,000 numbers in an array of the claims', adding(`[${'0,'.repeat(4_999)}0]`)],
  ]
}

function characters(forge: Forge): readonly BadTokenRow[] {
  const { header, claims, signTexts, withClaims } = forge
  const headerText = JSON.stringify(header)
  const claimsText = JSON.stringify(claims)
  const broken = {
    'a lone continuation byte': [0x80],
    'byte FF': [0xff],
    'an overlong slash': [0xc0, 0xaf],
    'a truncated sequence': [0xe2, 0x82],
    'an encoded surrogate': [0xed, 0xa0, 0x80],
    'a character beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  }
  const controls = { 'a null character': '\u0000', 'a newline': '\n', 'an escape character': '\u001B', DEL: '\u007F' }
  return [
    ['byte order mark in the header', signTexts(`\uFEFF${headerText}`, claimsText)],
    ['byte order mark in the claims', signTexts(headerText, `\uFEFF${claimsText}`)],
    ['claims in UTF-16', signTexts(headerText, Buffer.from(claimsText, 'utf16le'))],
    ...Object.entries(broken).flatMap(([name, bytes]): readonly BadTokenRow[] => [
      [`invalid UTF-8 in the header: ${name}`, signTexts(withBytes(headerText, ...bytes), claimsText)],
      [`invalid UTF-8 in the claims: ${name}`, signTexts(headerText, withBytes(claimsText, ...bytes))],
    ]),
    ...Object.entries(controls).flatMap(([name, character]) =>
      ['iss', 'sub', 'aud', 'client_id', 'scope'].map((claim): BadTokenRow => [
        `${name} in ${claim}`,
        withClaims({ [claim]: `${textOf(claims[claim]) ?? 'x'}${character}y` }),
      ]),
    ),
    ['a null character in a second audience', withClaims({ aud: [claims['aud'], 'x\u0000y'] })],
  ]
}

function notObjects({ header, claims, signTexts }: Forge): readonly BadTokenRow[] {
  const headerText = JSON.stringify(header)
  const claimsText = JSON.stringify(claims)
  const texts: Readonly<Record<string, string>> = {
    'an array': `[${claimsText}]`,
    'a string': JSON.stringify(claimsText),
    'a number': '42',
    null: 'null',
    true: 'true',
    empty: ' ',
    'an object and more': `${claimsText}{}`,
    'an object and a null character': `${claimsText}\u0000`,
    truncated: claimsText.slice(0, -1),
    'with a trailing comma': `${claimsText.slice(0, -1)},}`,
    'with a comment': `${claimsText.slice(0, -1)}/**/}`,
    'with single quotes': claimsText.replaceAll('"', "'"),
    'with NaN': `${claimsText.slice(0, -1)},"x":NaN}`,
    'with a number of leading zeros': `${claimsText.slice(0, -1)},"x":01}`,
    'with a raw newline in a string': `${claimsText.slice(0, -1)},"x":"\n"}`,
    'with a form feed as white space': `\f${claimsText}`,
  }
  return [
    ...Object.entries(texts).map(([name, text]): BadTokenRow => [`claims JSON: ${name}`, signTexts(headerText, text)]),
    ['header JSON: an array', signTexts(`[${headerText}]`, claimsText)],
    ['header JSON: null', signTexts('null', claimsText)],
    ['header JSON: a string', signTexts(JSON.stringify(headerText), claimsText)],
    ['header JSON: truncated', signTexts(headerText.slice(0, -1), claimsText)],
    ['header JSON: an object and more', signTexts(`${headerText}{}`, claimsText)],
  ]
}

function member(key: string, value: unknown): string {
  return `"${key}":${JSON.stringify(value)}`
}

function deep(depth: number, open: string, inside: string, close: string): string {
  return open.repeat(depth) + inside + close.repeat(depth)
}

function manyMembers(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, 0]))
}

function withMember(members: object, name: string, value: string): string {
  return `${JSON.stringify(members).slice(0, -1)},"${name}":${value}}`
}

function withBytes(object: string, ...bytes: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from(`${object.slice(0, -1)},"x":"`), Buffer.from(bytes), Buffer.from('"}')])
}
