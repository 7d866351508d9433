import type { IssuerOptions } from '@claimgate/issuer'
import type { LogInLimits } from './log-in-guard.ts'
import type { NewUser } from './user-store.ts'

/** What `startAuthService` is told; everything has a default. */
export interface AuthServiceOptions extends LogInLimits {
  /** The port to listen on; 0 takes a free one. @defaultValue 0 */
  readonly port?: number
  /** The address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** The `iss` of the tokens, where the service is reached by another URL. @defaultValue the URL it listens on */
  readonly issuer?: string
  /** The `aud` of the tokens. @defaultValue 'orders-api' */
  readonly audience?: string | readonly string[]
  /** The `client_id` of the tokens. @defaultValue 'demo-client' */
  readonly clientId?: string
  /** Where APIs are told that a session has ended; asked at each log-out. @defaultValue nowhere */
  readonly logoutUris?: () => readonly string[]
  /** A SQLite file, or `:memory:`. @defaultValue ':memory:' */
  readonly database?: string
  /** People to add where they are missing. @defaultValue none */
  readonly users?: readonly NewUser[]
  /** The algorithm of generated keys. @defaultValue 'ES256' */
  readonly algorithm?: NonNullable<IssuerOptions['algorithm']>
  /** Keys to start with, so that tokens survive a restart. @defaultValue one new key */
  readonly keys?: NonNullable<IssuerOptions['keys']>
  /** Seconds a token lives, from 1 to 86400. @defaultValue 1200 */
  readonly ttl?: number
  /** Seconds verifiers may keep the JWK Set, from 0 to 86400; also how long a new key waits. @defaultValue 300 */
  readonly jwksMaxAge?: number
  /** Seconds between rotations, from 1 to 2000000. @defaultValue no rotation by itself */
  readonly rotateEverySeconds?: number
  /** Where the time of tokens comes from. @defaultValue the wall clock */
  readonly clock?: NonNullable<IssuerOptions['clock']>
}
