import { AuthError } from '../errors/auth-error.ts'
import type { ParsedJws, TokenPart } from '../model/token.ts'

/**
 * A part of a token without its padding, if it ends with exactly the padding that belongs there (RFC 4648 section 3.2). Any other text as
 * it is: decoding refuses it.
 */
export function unpadded(part: string): string {
  return part.endsWith('=') && part.length % 4 === 0 ? part.replace(/={1,2}$/, '') : part
}

/**
 * The first padded part of a token. A token is padded in every part that needs it, or in none: mixed, it would have several spellings.
 *
 * @throws AuthError `token_encoding` for a part without padding beside one with it
 */
export function paddedPart(parts: Readonly<Record<TokenPart, string>>): TokenPart | undefined {
  const padded = PARTS.find((name) => parts[name].endsWith('='))
  if (padded === undefined) return undefined
  const other = PARTS.find((name) => parts[name].length % 4 !== 0)
  if (other !== undefined) throw refusal(other, 'no padding, where other parts have it')
  return padded
}

/**
 * Padding is what the policy accepts. A token without is taken by every policy.
 *
 * @throws AuthError `token_encoding`
 */
export function checkPadding({ padded }: Pick<ParsedJws, 'padded'>, padding: 'accept' | 'refuse'): void {
  if (padded === undefined || padding === 'accept') return
  throw refusal(padded, 'characters outside the base64url alphabet', HINT)
}

const PARTS: readonly TokenPart[] = ['header', 'payload', 'signature']
const HINT = 'It is padded, as the tokens of AWS load balancers are: for such an issuer, set "padding" to "accept"'

function refusal(part: TokenPart, actual: string, hint?: string): AuthError {
  return new AuthError('token_encoding', {
    expected: `canonical base64url in the ${part}`,
    actual,
    ...(hint === undefined ? {} : { hint }),
  })
}
