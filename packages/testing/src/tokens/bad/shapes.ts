import { CompactEncrypt } from 'jose'

import { type BadToken, type BadTokenRow, badTokenTable } from '../bad-token.ts'
import type { Forge } from '../forge.ts'

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
    ['the empty text', ''],
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
    ['a dot in front', `.${token}`],
    ['a dot behind', `${token}.`],
    ['an empty header', `.${claims}.${signature}`],
    ['empty claims', `${header}..${signature}`],
    ['two tokens', `${token}.${token}`],
    ['two tokens and a comma', `${token},${token}`],
    ['a space in front of the token', ` ${token}`],
    ['a newline behind the token', `${token}\n`],
    ['a byte order mark in front of the token', `\uFEFF${token}`],
    ['the token in quotes', `"${token}"`],
    ['the scheme and the token', `Bearer ${token}`],
    ['JSON serialization', JSON.stringify({ protected: header, payload: claims, signature })],
    ['text that is no token', 'not-a-token'],
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
