import { toBase64url } from '../base64url.ts'
import { type BadToken, type BadTokenRow, badTokenTable } from '../bad-token.ts'
import type { Forge } from '../forge.ts'

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
  ['a space in front', (part) => ` ${part}`],
  ['a space inside', (part) => `${part.slice(0, 8)} ${part.slice(8)}`],
  ['a newline inside', (part) => `${part.slice(0, 8)}\n${part.slice(8)}`],
  ['CRLF at the end', (part) => `${part}\r\n`],
  ['a tab inside', (part) => `${part.slice(0, 8)}\t${part.slice(8)}`],
  ['a null character inside', (part) => `${part.slice(0, 8)}\u0000${part.slice(8)}`],
  ['a letter from beyond ASCII', (part) => `${part}\u00E9`],
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
