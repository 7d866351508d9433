import type { AuthError } from '../errors/auth-error.ts'
import { wireDescriptions } from '../errors/catalogue.ts'

/**
 * The value of `WWW-Authenticate` for a refusal (RFC 6750 section 3), or `undefined` where no token is at fault: status 408, 413 and 503.
 * Carries the configured realm, the configured scopes and fixed text, and nothing from the request or the token.
 *
 * @param needed - scopes of the requirement that a request without credentials would have had to meet
 */
export function challenge(error: AuthError, realm: string, needed: readonly string[] = []): string | undefined {
  if (NO_CHALLENGE.has(error.status)) return undefined
  const parameters = [`realm="${realm}"`]
  if (error.error !== undefined)
    parameters.push(`error="${error.error}"`, `error_description="${wireDescriptions[error.error]}"`)
  // Without credentials the challenge tells what to ask the authorization server for; afterwards the refusal itself knows.
  const scopes = (error.error === undefined ? needed : error.scopes).filter(isScope)
  if (scopes.length > 0) parameters.push(`scope="${scopes.join(' ')}"`)
  return `Bearer ${parameters.join(', ')}`
}

// Another token would not help (RFC 9110 sections 15.5.9, 15.5.14 and 15.6.4).
const NO_CHALLENGE: ReadonlySet<number> = new Set([408, 413, 503])

// RFC 6749 section 3.3. What a requirement or check of the application's own names may come from anywhere.
function isScope(scope: unknown): boolean {
  return typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** Text that needs no escaping in a quoted string (RFC 9110 section 5.6.4), so that it cannot break out of one. */
export function isPlainText(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}
