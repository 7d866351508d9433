import type { Claims, VerifiedToken } from '@claimgate/core'

/**
 * The claims of `req.auth`. Merge your application's claims into it:
 * `declare module '@claimgate/express/augment' { interface AuthClaims { tenant: string } }`.
 */
export interface AuthClaims extends Claims {}

declare global {
  namespace Express {
    interface Request {
      /** The verified token; `undefined` for anonymous requests, or if no `authenticateJwt` ran. */
      auth?: VerifiedToken<AuthClaims> | undefined
    }
  }
}
