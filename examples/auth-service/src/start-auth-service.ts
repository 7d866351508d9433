import { createIssuer, type Issuer, type RotateOptions, type Rotation } from '@claimgate/issuer'
import { createApp } from './app.ts'
import { createCredentialCheck } from './credentials.ts'
import { type Listener, openListener } from './listener.ts'
import { createLogInGuard } from './log-in-guard.ts'
import type { AuthServiceOptions } from './options.ts'
import { ownTokens } from './own-tokens.ts'
import { startRotationTimer } from './rotation-timer.ts'
import { createSessionEnd } from './session-end.ts'
import { openUserStore, type UserStore } from './user-store.ts'

/** A running auth service. */
export interface AuthService {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** The issuer of its tokens. Tests and demos use it to get a token without logging in. */
  readonly issuer: Issuer
  /** Rotates to a new key, like `issuer.rotate`. */
  rotate(options?: RotateOptions): Promise<Rotation>
  /** Simulates an outage: the port refuses connections. Keys and users are kept. */
  pause(): Promise<void>
  /** Listens again on the same port. */
  resume(): Promise<void>
  /** Stops permanently and closes the database. */
  close(): Promise<void>
}

/** Starts the service. If an option is wrong or the port is in use, it rejects and leaves nothing open. */
export const startAuthService = async (options: AuthServiceOptions = {}): Promise<AuthService> => {
  const users = openUserStore(options.database ?? ':memory:')
  try {
    await Promise.all((options.users ?? []).map(users.add))
    const listener = await openListener(options.host ?? '127.0.0.1', options.port ?? 0)
    return await serve(options, users, listener).catch(async (error: unknown) => {
      await listener.pause()
      throw error
    })
  } catch (error) {
    users.close()
    throw error
  }
}

const serve = async (options: AuthServiceOptions, users: UserStore, listener: Listener): Promise<AuthService> => {
  const { audience = 'orders-api', clientId = 'demo-client', ttl = 1200, rotateEverySeconds } = options
  const { algorithm, keys, jwksMaxAge, clock, logoutUris = () => [] } = options
  const issuer = await createIssuer({
    issuer: options.issuer ?? listener.url,
    audience,
    ttl,
    ...(algorithm !== undefined && { algorithm }),
    ...(keys !== undefined && { keys }),
    ...(jwksMaxAge !== undefined && { jwksMaxAge }),
    ...(clock !== undefined && { clock }),
  })
  const guard = createLogInGuard(createCredentialCheck(users), options)
  const timer = rotateEverySeconds === undefined ? undefined : startRotationTimer(rotateEverySeconds, issuer.rotate)
  const endSession = createSessionEnd({ issuer, uris: logoutUris })
  listener.serve(createApp({ issuer, guard, clientId, endSession, ownTokens: ownTokens(issuer, audience, clock) }))
  return {
    url: listener.url,
    issuer,
    rotate: issuer.rotate,
    pause: listener.pause,
    resume: listener.resume,
    close: async () => {
      timer?.stop()
      await listener.pause()
      users.close()
    },
  }
}
