import { CannotSay } from './outcome.ts'

// Two to five parts of base64url, as in a JWT or a JWE.
const PARTS = /[\w-]{8,}(?:\.[\w-]*){1,4}/g

/**
 * Refuses arguments that look like a token, without repeating them: the history of the shell and other users can read arguments.
 *
 * @throws {@link CannotSay}
 */
export function refuseTokens(argv: readonly string[]): void {
  if (argv.some(looksLikeToken)) {
    throw new CannotSay(
      'An argument looks like a token. Never pass tokens as arguments, because the history of your shell and other users can read them. Pass it on standard input, for example: claimgate explain < token.txt',
    )
  }
}

// The first part of a JWT is the base64url of a JSON object.
function looksLikeToken(argument: string): boolean {
  return [...argument.matchAll(PARTS)].some(([parts]) =>
    Buffer.from(parts, 'base64url').toString('latin1').trimStart().startsWith('{'),
  )
}
