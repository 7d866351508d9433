import { kindOf, misconfigured, type RequestView } from '../adapter.ts'

/**
 * Authenticates a transmitter by a secret that it sends as `Authorization: Bearer`. For `authenticate` of `securityEvents`.
 *
 * @param secret - at least 32 letters, digits and `-._~+/`, with `=` at the end if you like; or a list, to rotate: all of them are accepted
 * @throws TypeError for a shorter secret, and for other characters, because a client cannot send them
 */
export function sharedBearer(secret: string | readonly string[]): (request: RequestView) => Promise<boolean> {
  const secrets: readonly unknown[] = [secret].flat()
  if (secrets.length === 0 || !secrets.every(isSecret))
    throw misconfigured(
      'authenticate transmitter',
      `the secret must be at least ${LEAST} characters of a Bearer field (letters, digits, "-._~+/", at the end "="), or a list of such strings, found ${kindOf(secret)}`,
    )
  const accepted = [...(secrets as readonly string[])]
  return async (request) => {
    const [field, ...more] = request.header('authorization')
    const [, given] = (more.length === 0 && /^Bearer ([\w.~+/-]+=*)$/i.exec(field ?? '')) || []
    if (given === undefined) return false
    const sent = await digest(given)
    const results = await Promise.all(accepted.map(async (each) => isSame(await digest(each), sent)))
    return results.includes(true)
  }
}

const LEAST = 32

// No client can send anything else (RFC 6750 section 2.1).
const isSecret = (value: unknown): boolean =>
  typeof value === 'string' && value.length >= LEAST && /^[\w.~+/-]+=*$/.test(value)

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

// Digests have equal lengths, and the time to compare them tells nothing about the secret.
function isSame(expected: Uint8Array, actual: Uint8Array): boolean {
  return expected.reduce((difference, byte, at) => difference | (byte ^ (actual[at] ?? 0)), 0) === 0
}
