import {
  answeredWithin,
  AuthError,
  hexSha256,
  knownSigned,
  LAST_SECOND,
  misconfigured,
  own,
  signedClaims,
  type TokenCheck,
  type VerifiedToken,
} from '../adapter.ts'
import { type DenylistEntry, type DenylistOptions, resolveDenylistOptions } from './options.ts'

/**
 * A token check that refuses revoked tokens, with the methods to revoke them.
 *
 * A revocation takes effect when its promise is fulfilled: from then on the tokens are refused by every process that shares the store. If
 * the promise rejects, the tokens may still be accepted, so report the failure.
 */
export interface Denylist extends TokenCheck {
  /**
   * Revokes one token, by its `jti`, until it has expired. Uses the claims as signed, even if a `claims` schema has changed them.
   *
   * @param token - the token from `getAuth(req)`, `request.auth` or `verify`, or an object with its signed claims
   * @throws TypeError for a token without `jti`, which cannot be distinguished from others of its session or subject; and for a copy of
   * `claims` if a `claims` schema rewrites `iss`, `jti` or `exp`, because the copy no longer has the signed values
   * @throws Error if the store is full or unavailable
   */
  denyToken(token: Pick<VerifiedToken, 'claims'>): Promise<void>
  /**
   * Revokes all tokens issued to a subject (`sub`) so far. Tokens issued later are accepted, so the user can log in again: immediately with
   * `issuedUpTo`, otherwise after `clockTolerance`, a minute by default. Tokens without `iat` are refused as long as the entry lasts,
   * because their time of issue is unknown.
   *
   * @param issuer - the exact `iss` of the tokens, or `null` for tokens without one
   * @throws TypeError for an invalid issuer, subject or time
   * @throws Error if the store is full or unavailable
   */
  denySubject(issuer: string | null, subject: string, options?: DenySubjectOptions): Promise<void>
  /**
   * Revokes all tokens of a session (`sid`): those already issued, and those issued within the next `maxLifetime`. A new login gets a new
   * session (OpenID Connect Back-Channel Logout 1.0 section 2.1). By the end of that time the issuer must have ended the session, too.
   *
   * @param issuer - the exact `iss` of the tokens, or `null` for tokens without one
   * @throws TypeError for an invalid issuer or session
   * @throws Error if the store is full or unavailable
   */
  denySession(issuer: string | null, session: string): Promise<void>
}

/** Which tokens of a subject to revoke. */
export interface DenySubjectOptions {
  /**
   * Revokes tokens with an `iat` up to this time, in seconds since the epoch, by the issuer's clock: for example, the `iat` of its logout
   * token. Rounded up to a whole second, because issuers round `iat`. @defaultValue now plus `clockTolerance`
   */
  readonly issuedUpTo?: number
}

/**
 * Creates a denylist: `createVerifier({ …, checks: [denylist({ store: createMemoryDenylist() })] })`.
 *
 * It looks up `jti`, `sub` and `sid`, each together with `iss`, in one round trip per token. If the store fails or does not answer, requests
 * get status 503. A token with none of the three claims cannot be revoked, and one without `jti` cannot be revoked individually:
 * `requiredClaims: ['jti', 'iat']` refuses both. It checks the claims as signed. If a `claims` schema rewrites `iss`, `sub` or `sid`, pass
 * the values from `signedClaims(token)` to `denySubject` and `denySession`.
 *
 * @throws TypeError for options that are missing or out of range
 */
export function denylist(options: DenylistOptions): Denylist {
  const { store, clock, maxLifetime, clockTolerance, maxLag, timeout } = resolveDenylistOptions(options)
  const now = (): number => clock.now() / 1000
  const deadline = { late: 'The store of the denylist', seconds: timeout, clock }

  const add = async (issuer: string | null, claim: DeniedClaim, value: string, entry: DenylistEntry): Promise<void> => {
    if (issuer !== null) assertName('an issuer', issuer)
    const key = await denylistKey(issuer, claim, value)
    const rounded = { issuedUpTo: Math.ceil(entry.issuedUpTo), expiresAt: Math.ceil(entry.expiresAt) }
    await answeredWithin(deadline, () => store.add(key, rounded))
  }
  // Uses the largest tolerance a verifier can have, because the verifier's own is unknown here. Databases may not support the year 10000.
  const kept = (end: number): number => Math.min(end + MOST_TOLERANCE + maxLag, LAST_SECOND)
  const issuedByNow = (): number => now() + clockTolerance

  // Signed claims that were checked here, and whether a schema has rewritten a claim that identifies their token.
  const checked = new WeakSet<Claims>()
  let rewritten = false
  const claimsToDeny = ({ claims }: Pick<VerifiedToken, 'claims'>): Claims => {
    const signed = knownSigned(claims)
    if (signed !== undefined) return signed
    if (rewritten && !checked.has(claims)) throw misconfigured(ACTION, COPIED)
    return claims
  }

  return Object.freeze<Denylist>({
    name: 'denylist',
    check: async (token) => {
      const claims = signedClaims(token)
      checked.add(claims)
      rewritten ||= knownSigned(claims) !== undefined
      const names = DENIED_CLAIMS.flatMap((claim) => {
        const value = textOf(claims, claim)
        return value === undefined ? [] : [{ claim, value }]
      })
      if (names.some(({ claim }) => claim !== 'jti')) assertLifetime(claims, maxLifetime, issuedByNow())
      if (names.length === 0) return
      const issuer = textOf(claims, 'iss') ?? null
      const keys = await everyKey(names.map(({ claim, value }) => denylistKey(issuer, claim, value)))
      const found = await answeredWithin(deadline, () => store.find(keys))
      assertAnswer(found, keys.length)
      for (const [index, { claim }] of names.entries()) assertNotDenied(claim, own(claims, 'iat'), found[index])
    },
    denyToken: async (token) => {
      const claims = claimsToDeny(token)
      const jti = own(claims, 'jti')
      const exp = own(claims, 'exp')
      assertName('a token with "jti"', jti)
      if (typeof exp !== 'number') throw misconfigured(ACTION, 'give a verified token, which has an "exp"', typeof exp)
      await add(textOf(claims, 'iss') ?? null, 'jti', jti, { issuedUpTo: EVERY_TOKEN, expiresAt: kept(exp) })
    },
    denySubject: async (issuer, subject, moment = {}) => {
      const issuedUpTo = own(moment, 'issuedUpTo') ?? issuedByNow()
      assertName('a subject', subject)
      if (!(issuedUpTo >= 0 && issuedUpTo < EVERY_TOKEN))
        throw misconfigured(
          ACTION,
          '"issuedUpTo" must be seconds since the epoch, such as Date.now() / 1000',
          issuedUpTo,
        )
      const latest = Math.max(issuedUpTo, issuedByNow())
      await add(issuer, 'sub', subject, { issuedUpTo, expiresAt: kept(latest + maxLifetime) })
    },
    denySession: async (issuer, session) => {
      assertName('a session', session)
      await add(issuer, 'sid', session, { issuedUpTo: EVERY_TOKEN, expiresAt: kept(issuedByNow() + maxLifetime) })
    },
  })
}

const ACTION = 'deny tokens'
const COPIED =
  'the "claims" schema rewrites "iss", "jti" or "exp", and a copy of claims does not say what was signed. Give the token itself, as ' +
  'getAuth(req) does, or { claims: signedClaims(token) }'
const MOST_TOLERANCE = 300
/** Larger than the `iat` of any verified token, which is at most 300 s in the future. */
const EVERY_TOKEN = 1e11

const REVOKED: Readonly<Record<DeniedClaim, string>> = {
  jti: 'a revoked token',
  sub: 'a subject whose tokens were revoked',
  sid: 'a revoked session',
}

type Claims = VerifiedToken['claims']

// Most keys are available synchronously, and awaiting them would dominate the cost of the check.
function everyKey(keys: readonly (string | Promise<string>)[]): readonly string[] | Promise<readonly string[]> {
  const ready = keys.filter((key) => typeof key === 'string')
  return ready.length === keys.length ? ready : Promise.all(keys.map(async (key) => key))
}

// A claim of the wrong type has no key, so the token would pass. A `sub` of null counts as absent, as in the verifier.
function textOf(claims: Claims, name: 'iss' | DeniedClaim): string | undefined {
  const value: unknown = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (value === undefined || typeof value === 'string') return value
  if (value === null && name === 'sub') return undefined
  throw new AuthError('claim_malformed', { expected: `${name}: a string`, actual: typeof value })
}

function assertLifetime(claims: Claims, maxLifetime: number, latest: number): void {
  const lifetime = Number(own(claims, 'exp')) - (own(claims, 'iat') ?? latest)
  if (lifetime <= maxLifetime) return
  throw new AuthError('token_lifetime_too_long', {
    expected: `at most ${maxLifetime} s`,
    actual: `${Math.round(lifetime)} s`,
    hint: 'The denylist keeps its entries no longer: if the issuer is right, raise its "maxLifetime"',
  })
}

function assertAnswer(found: readonly unknown[], length: number): void {
  const wellFormed =
    Array.isArray(found) &&
    found.length === length &&
    found.every((item) => item === undefined || Number.isFinite(item))
  if (!wellFormed) throw new TypeError('The store of a denylist must answer with a number or undefined for each key')
}

function assertNotDenied(claim: DeniedClaim, iat: number | undefined, issuedUpTo: number | undefined): void {
  if (issuedUpTo === undefined || (typeof iat === 'number' && iat > issuedUpTo)) return
  throw new AuthError('token_refused', {
    expected: 'a token that is not on the denylist',
    actual: REVOKED[claim],
    hint: 'The client needs a new token',
  })
}

function assertName(what: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') throw misconfigured(ACTION, `give ${what}`, typeof value)
}

/** A claim that a denylist looks up. */
type DeniedClaim = 'jti' | 'sub' | 'sid'
const DENIED_CLAIMS: readonly DeniedClaim[] = ['jti', 'sub', 'sid']

/**
 * The key of an entry: 1 to 200 printable ASCII characters, unique per issuer, claim and value. Values come from
 * tokens and may be of any length: a key that would be too long is replaced by a SHA-256 digest.
 *
 * @param issuer - the exact `iss`, or `null` for tokens without one
 */
export function denylistKey(issuer: string | null, claim: DeniedClaim, value: string): string | Promise<string> {
  const text = JSON.stringify([issuer, claim, value])
  return PLAIN.test(text) ? text : hexSha256(text).then((digest) => `sha256:${digest}`)
}

const PLAIN = /^[\u0020-\u007e]{1,200}$/
