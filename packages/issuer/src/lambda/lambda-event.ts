import type { Claims } from '../token/token.ts'

/** What a Lambda function that issues tokens is invoked with. A member that is `null` counts as absent. */
export interface LambdaEvent {
  /**
   * The claims to sign: whatever the caller wants them to be, `iss`, `aud`, `exp`, `iat` and `jti` among them. Only what
   * JSON can say.
   */
  readonly claims: Claims
  /**
   * Seconds the token lives: sets `exp`, in place of the one in `claims`. Counted from the token's `iat`, or from now where it
   * has none. From 1 to 315360000, which is ten years. @defaultValue the handler's `ttl`, where `claims` have no `exp`
   */
  readonly ttl?: number | null
  /** Sets `iat`, in place of the one in `claims`: `true` to now, a number to that second since 1970. @defaultValue false */
  readonly setIat?: boolean | number | null
  /** Sets `jti`, in place of the one in `claims`: `true` to a new UUID, a string to itself. @defaultValue false */
  readonly setJti?: boolean | string | null
}
