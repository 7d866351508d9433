import type { Claims, VerifiedToken } from './token.ts'

// By the completed claims, and by the signed ones where the two differ in what names a token.
const known = new WeakMap<object, Claims>()

/** What names a token and says how long it lasts. */
const NAMING: readonly string[] = ['iss', 'jti', 'exp']

/** Remembers the signed claims that a schema has completed, for as long as the completed ones are in use. */
export function keepSigned(completed: Claims, signed: Claims): void {
  known.set(completed, signed)
  if (NAMING.some((name) => completed[name] !== signed[name])) known.set(signed, signed)
}

/**
 * The signed claims behind claims that a schema has completed, or the claims themselves if a schema has changed what names their token.
 * `undefined` for all others, copies included.
 */
export function knownSigned(claims: Claims): Claims | undefined {
  return known.get(claims)
}

/**
 * The claims of a verified token as the issuer signed them, whatever the `claims` schema has made of them: for denylists, logout stores and
 * logs, which must name a token as others do. Without a schema these are the claims of the token.
 *
 * @param token the token as `verify`, `getAuth` or `request.auth` gave it. A copy of its `claims` is taken for claims as signed
 */
export function signedClaims({ claims }: Pick<VerifiedToken, 'claims'>): Claims {
  return known.get(claims) ?? claims
}
