import { AuthError, createVerifier, type Verifier, type VerifierEvent, type VerifierOptions } from '@claimgate/core'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'

export const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'
export const JWKS_URI = 'https://issuer.example/keys'

/** The key in the published set, and one that is not in it, or not yet. */
export const known = await createTestKeys('ES256', { kid: 'known' })
export const unknown = await createTestKeys('ES256', { kid: 'unknown' })
export const goodSet = { keys: [known.publicJwk] }

/** A verifier with its own clock, and the events it emitted. */
export interface Verification {
  readonly clock: TestClock
  readonly verifier: Verifier
  /** Events other than those for single tokens. */
  readonly keyEvents: readonly VerifierEvent[]
  /** `verified`, or status and code; with `Retry-After` for a 503. */
  verify(token: string): Promise<string>
}

export function verification(options: Partial<VerifierOptions> = {}): Verification {
  const clock = createTestClock()
  const keyEvents: VerifierEvent[] = []
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    clock,
    onEvent: (event) => {
      if (event.type.startsWith('key')) keyEvents.push(event)
    },
    ...options,
  } as VerifierOptions)
  return {
    clock,
    verifier,
    keyEvents,
    verify: async (token) => {
      try {
        await verifier.verify(token)
        return 'verified'
      } catch (error) {
        if (!(error instanceof AuthError)) throw error
        const retry = error.retryAfter === undefined ? '' : ` retry after ${error.retryAfter}`
        return `${error.status} ${error.code}${retry}`
      }
    },
  }
}

// Long enough for every advance of a clock in these tests.
const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'user', exp: 1_700_000_000 + 10 * 86_400 }
export const knownToken = await known.sign(claims)
export const unknownToken = await unknown.sign(claims)
