import { answeredWithin, asError, type Clock, defaultSharing, ignoreRejection, type RefusalLog } from '../adapter.ts'
import { isSignedJwt, type ProtectedResourceOptions } from './options.ts'

/** Returns the signed metadata, or `undefined` if there is none. Throws if it cannot be signed now. */
export type MetadataSigner = (metadata: Readonly<Record<string, unknown>>) => Promise<string | undefined>

type SignerOptions = Pick<ProtectedResourceOptions, 'signedMetadata' | 'log'> & {
  readonly maxAge: number
  readonly timeout: number
  readonly clock: Clock
}

/** Seconds without a new attempt after a failure. Everyone may request metadata, and signing may cost money. */
export const PAUSE = 10

/**
 * Asks the application to sign metadata once per `maxAge`, and again if the metadata has changed.
 */
export function metadataSigner(given: SignerOptions): MetadataSigner {
  const { signedMetadata: sign, maxAge, clock } = given
  if (typeof sign !== 'function') return async () => sign
  const seconds = Math.max(maxAge, PAUSE)
  let running: { readonly text: string; readonly jwt: Promise<string> } | undefined
  let made: { readonly text: string; readonly jwt: string; readonly until: number } | undefined
  let pausedUntil = -Infinity

  const signNow = async (metadata: Readonly<Record<string, unknown>>): Promise<string> => {
    const late = { late: '"signedMetadata"', seconds: given.timeout, clock }
    try {
      const jwt: unknown = await answeredWithin(late, async () => sign(metadata))
      if (isSignedJwt(jwt)) return jwt
      throw new TypeError('"signedMetadata" must return a signed JWT in compact form')
    } catch (thrown) {
      warn(given.log, thrown)
      throw thrown
    }
  }

  return async (metadata) => {
    const text = JSON.stringify(metadata)
    const now = clock.monotonic()
    if (made?.text === text && now < made.until) return made.jwt
    if (running?.text === text && isShared) return running.jwt
    if (now < pausedUntil) throw new Error('Metadata could not be signed a moment ago')
    const jwt = signNow(metadata)
    running = { text, jwt }
    try {
      made = { text, jwt: await jwt, until: clock.monotonic() + seconds * 1000 }
      return made.jwt
    } catch (error) {
      pausedUntil = clock.monotonic() + PAUSE * 1000
      throw error
    } finally {
      if (running?.jwt === jwt) running = undefined
    }
  }
}

// In workers, no request may wait for the promise of another one.
const isShared = defaultSharing() === 'promise'

// Not the message of the error, which may contain an address with a password.
function warn(log: RefusalLog | false | undefined, thrown: unknown): void {
  try {
    if (log === undefined || log === false) return
    ignoreRejection(log.warn(`The metadata of the protected resource cannot be signed (${asError(thrown).name})`))
  } catch {
    // A failing log must not change the response.
  }
}
