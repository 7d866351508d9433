import type { IssuerOptions } from '@claimgate/issuer'
import type { LogInLimits } from './log-in-guard.ts'
import type { NewUser } from './user-store.ts'

/** Options for `startAuthService`. All have defaults. */
export interface AuthServiceOptions extends LogInLimits {
  /** The port to listen on; 0 selects a free one. @defaultValue 0 */
  readonly port?: number
  /** The address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** The `iss` of the tokens, if clients reach the service at another URL. @defaultValue the URL it listens on */
  readonly issuer?: string
  /** The `aud` of the tokens. @defaultValue 'orders-api' */
  readonly audience?: string | readonly string[]
  /** The `client_id` of the tokens. @defaultValue 'demo-client' */
  readonly clientId?: string
  /** Returns the URLs to notify when a session ends. Called at each log-out. @defaultValue none */
  readonly logoutUris?: () => readonly string[]
  /** A SQLite file, or `:memory:`. @defaultValue ':memory:' */
  readonly database?: string
  /** Users to add if they do not exist. @defaultValue none */
  readonly users?: readonly NewUser[]
  /** The algorithm of generated keys. @defaultValue 'ES256' */
  readonly algorithm?: NonNullable<IssuerOptions['algorithm']>
  /** Keys to start with, so that tokens survive a restart. @defaultValue one new key */
  readonly keys?: NonNullable<IssuerOptions['keys']>
  /** Seconds a token lives, from 1 to 86400. @defaultValue 1200 */
  readonly ttl?: number
  /** Seconds verifiers may cache the JWK Set, from 0 to 86400. A new key also waits this long. @defaultValue 300 */
  readonly jwksMaxAge?: number
  /** Seconds between rotations, from 1 to 2000000. @defaultValue no automatic rotation */
  readonly rotateEverySeconds?: number
  /** The clock for the times in tokens. @defaultValue the wall clock */
  readonly clock?: NonNullable<IssuerOptions['clock']>
}
