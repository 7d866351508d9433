import * as base64url from 'jose/base64url'
import { AuthError } from '../errors/auth-error.ts'
import { base64urlFlaw } from '../model/base64url.ts'

/**
 * The bytes of a part of a token, which must be canonical base64url (RFC 7515 section 2).
 *
 * @param part - what is decoded, for the message
 * @throws AuthError `token_encoding`
 */
export function decodePart(text: string, part: string): Uint8Array<ArrayBuffer> {
  const flaw = base64urlFlaw(text)
  if (flaw !== undefined)
    throw new AuthError('token_encoding', {
      expected: `canonical base64url in the ${part}`,
      actual: flaw,
      ...(/\s/.test(text) && {
        hint: 'It holds white space: give the token alone, without "Bearer " and without a line break',
      }),
    })
  return base64url.decode(text) as Uint8Array<ArrayBuffer>
}
