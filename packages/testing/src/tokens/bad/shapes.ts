import { CompactEncrypt } from 'jose'

import { type BadToken, type BadTokenRow, badTokenTable, type Forge } from '../forge.ts'
import { toBase64url } from '../../keys/test-keys.ts'

/** Texts that do not have three parts of a reasonable size, including encrypted tokens. */
export async function badShapes(forge: Forge): Promise<readonly BadToken[]> {
  const encrypted: readonly BadTokenRow[] = [
    ['encrypted token: the signed token nested in a JWE', encrypt(forge.token)],
    ['encrypted token: bare claims in a JWE', encrypt(JSON.stringify(forge.claims))],
  ]
  return [
    ...(await badTokenTable([12], parts(forge))),
    ...(await badTokenTable([12], sizes(forge))),
    ...(await badTokenTable([12, 38], encrypted)),
  ]
}

function parts({ token, parts: [header, claims, signature] }: Forge): readonly BadTokenRow[] {
  return [
    ['an empty string', ''],
    ['a space', ' '],
    ['one dot', '.'],
    ['two dots', '..'],
    ['four dots', '....'],
    ['a million dots', '.'.repeat(1_000_000)],
    ['a token and a million dots', `${token}${'.'.repeat(1_000_000)}`],
    ['one part', header],
    ['two parts', `${header}.${claims}`],
    ['four parts', `${token}.${signature}`],
    ['five parts', `${token}.${signature}.${signature}`],
    ['a leading dot', `.${token}`],
    ['a trailing dot', `${token}.`],
    ['an empty header', `.${claims}.${signature}`],
    ['empty claims', `${header}..${signature}`],
    ['two tokens', `${token}.${token}`],
    ['two tokens and a comma', `${token},${token}`],
    ['a space before the token', ` ${token}`],
    ['a newline after the token', `${token}\n`],
    ['a byte order mark before the token', `\uFEFF${token}`],
    ['the token in quotes', `"${token}"`],
    ['the scheme and the token', `Bearer ${token}`],
    ['JSON serialization', JSON.stringify({ protected: header, payload: claims, signature })],
    ['text that is not a token', 'not-a-token'],
  ]
}

function sizes({ withHeader, withClaims }: Forge): readonly BadTokenRow[] {
  return [
    ['claims of 17 kB, correctly signed', withClaims({ padding: 'x'.repeat(17_000) })],
    ['claims of 2 MB, correctly signed', withClaims({ padding: 'x'.repeat(2_000_000) })],
    ['a header of 9 kB, correctly signed', withHeader({ padding: 'x'.repeat(9_000) })],
    ['two megabytes of one letter', 'A'.repeat(2_000_000)],
  ]
}

async function encrypt(text: string): Promise<string> {
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const header = { alg: 'dir', enc: 'A256GCM', cty: 'JWT' }
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(secret)
}

/** Parts in non-canonical base64url. Header and claims are signed in this encoding, so the signature is valid. */
export async function badEncodings(forge: Forge): Promise<readonly BadToken[]> {
  const rows = [
    ...SPELLINGS.flatMap(([name, spell]) => inEachPart(forge, name, spell)),
    ...(await otherAlphabet(forge)),
    ...trailingBits(forge),
    ...remainders(forge),
  ]
  return badTokenTable([11], rows)
}

const SPELLINGS: readonly (readonly [name: string, spell: (part: string) => string])[] = [
  ['one padding sign', (part) => `${part}=`],
  ['two padding signs', (part) => `${part}==`],
  ['a leading space', (part) => ` ${part}`],
  ['a space inside', (part) => `${part.slice(0, 8)} ${part.slice(8)}`],
  ['a newline inside', (part) => `${part.slice(0, 8)}\n${part.slice(8)}`],
  ['CRLF at the end', (part) => `${part}\r\n`],
  ['a tab inside', (part) => `${part.slice(0, 8)}\t${part.slice(8)}`],
  ['a null character inside', (part) => `${part.slice(0, 8)}\u0000${part.slice(8)}`],
  ['a non-ASCII letter', (part) => `${part}\u00E9`],
  ['a full-width letter', (part) => `${part}\uFF21`],
  ['a percent escape', (part) => `${part}%3D`],
  ['a star inside', (part) => `${part.slice(0, 8)}*${part.slice(8)}`],
]

function inEachPart(forge: Forge, name: string, spell: (part: string) => string): readonly BadTokenRow[] {
  const [header, claims, signature] = forge.parts
  return [
    [`base64url with ${name} in the header`, forge.signParts(spell(header), claims)],
    [`base64url with ${name} in the claims`, forge.signParts(header, spell(claims))],
    [`base64url with ${name} in the signature`, `${header}.${claims}.${spell(signature)}`],
  ]
}

async function otherAlphabet(forge: Forge): Promise<readonly BadTokenRow[]> {
  const [header, claims] = forge.parts
  return [
    ['base64 alphabet in the header', forge.signParts(standard(withMarks(forge.header)), claims)],
    ['base64 alphabet in the claims', forge.signParts(header, standard(withMarks(forge.claims)))],
    ['base64 alphabet in the signature', standard(await withSignMark(forge))],
  ]
}

function standard(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/')
}

// A signature contains a minus or an underscore only by chance; a deterministic algorithm needs different claims for each attempt.
async function withSignMark(forge: Forge): Promise<string> {
  for (let n = 0; ; n++) {
    const [header = '', , signature = ''] = (await forge.withClaims({ mark: n })).split('.')
    if (!/[-_]/.test(signature)) continue
    const claims = toBase64url(JSON.stringify({ ...forge.claims, mark: n }))
    if (!/[-_]/.test(header + claims)) return `${header}.${claims}.${signature}`
    // Signed over the parts after the letters are replaced.
    const [first, second, other = ''] = (await forge.signParts(standard(header), standard(claims))).split('.')
    if (/[-_]/.test(other)) return `${first}.${second}.${other}`
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function trailingBits(forge: Forge): readonly BadTokenRow[] {
  const [header, claims, signature] = forge.parts
  const rows: readonly BadTokenRow[] = [
    ['trailing bits set in the header', forge.signParts(odd(ofLength(forge.header, 1)), claims)],
    ['trailing bits set in the claims', forge.signParts(header, odd(ofLength(forge.claims, 1)))],
  ]
  // A signature whose length is a multiple of three bytes has no unused bits.
  if (signature.length % 4 === 0) return rows
  return [...rows, ['trailing bits set in the signature', `${header}.${claims}.${odd(signature)}`]]
}

function remainders(forge: Forge): readonly BadTokenRow[] {
  const [header, claims, signature] = forge.parts
  return [
    ['length mod 4 = 1 in the header', forge.signParts(`${ofLength(forge.header, 0)}A`, claims)],
    ['length mod 4 = 1 in the claims', forge.signParts(header, `${ofLength(forge.claims, 0)}A`)],
    [
      'length mod 4 = 1 in the signature',
      `${header}.${claims}.${signature}${'A'.repeat((5 - (signature.length % 4)) % 4 || 4)}`,
    ],
  ]
}

/** The members followed by enough white space that the length in bytes modulo 3 is `remainder`. */
function ofLength(members: object, remainder: number): string {
  let text = JSON.stringify(members)
  while (Buffer.byteLength(text) % 3 !== remainder) text += ' '
  return toBase64url(text)
}

// Six question marks give an underscore at any offset.
function withMarks(members: object): string {
  return toBase64url(JSON.stringify({ ...members, mark: '??????~~~~~~' }))
}

function odd(part: string): string {
  return `${part.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(part.slice(-1)) | 1] ?? ''}`
}
