import {
  answeredWithin,
  asError,
  AuthError,
  createClaimsVerifier,
  decodePart,
  type Deadline,
  emit,
  type ExplanationStep,
  own,
  parseJsonObject,
  MAXIMUM_LIMITS,
  quote,
  type TokenCheck,
  valueAt,
  type VerifiedToken,
  type Verifier,
  type VerifierStatus,
  type VerifyContext,
  refusedExplanation,
  reportNotAccepted,
} from '../adapter.ts'
import { answersOf, type FoundAnswer } from './answers.ts'
import { claimOptions, type IntrospectionAnswer, type IntrospectionOptions, resolveOptions } from './options.ts'

/**
 * Creates a verifier of opaque tokens: it asks the authorization server about each token (RFC 7662). Use it like any verifier: in an
 * authenticator, an adapter, a gate, with requirements, checks and bindings.
 *
 * - An inactive token is refused with 401. If there is no usable answer, requests get status 503.
 * - An answer must meet the claim rules of the options. `exp` is required, and `aud` unless `audience` is `null`; then `token_type` must be
 *   `Bearer` or `DPoP`. An answer without `iss` comes from the issuer that was asked.
 * - Answers are cached for a short time under hashes of the tokens. A token that is revoked meanwhile is still accepted that long.
 * - The verified token has no header. Its claims are the members of the answer.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createIntrospectionVerifier<C extends object = object>(given: IntrospectionOptions<C>): Verifier<C> {
  const options = resolveOptions(given)
  const { issuer, audience, jwts, limits, clock, onEvent } = options
  const answers = answersOf(options)
  const rules = createClaimsVerifier<C>({
    ...claimOptions(options),
    issuer,
    audience,
    limits,
    clock,
    checks: [accessTokenCheck(audience), ...options.checks],
  })
  const askedAt = new WeakMap<VerifiedToken<C>, number>()

  /** Asks, and verifies the answer. */
  const verifyAnswer = async (token: string, ask: () => Promise<FoundAnswer>, context?: VerifyContext) => {
    const begun = clock.monotonic()
    try {
      const { answer, isFresh } = await ask()
      const verified = await rules.verify(token, claimsOf(answer, issuer), context)
      if (isFresh) askedAt.set(verified, begun)
      emit(onEvent, { type: 'token.verified', duration: clock.monotonic() - begun, cached: !isFresh })
      return verified
    } catch (error) {
      const known = asError(error)
      reportNotAccepted(onEvent, known, clock.monotonic() - begun)
      throw known
    }
  }

  const askAgain = async (token: string, keep: 'cached' | 'not cached', context?: VerifyContext) =>
    verifyAnswer(token, async () => ({ answer: await answers.ask(token, keep), isFresh: true }), context)

  const late = (): AuthError => new AuthError('check_unavailable', { actual: 'jwts' })
  const deadline: Deadline = { late, seconds: JWTS_TIMEOUT, clock }
  /** The other verifier, for a JWT. One that hangs must not make requests hang. */
  const jwtVerifier = (token: string): Pick<Verifier<C>, 'verify' | 'explain'> | undefined => {
    if (jwts === undefined || !isJwt(token)) return undefined
    return {
      verify: async (...args) => answeredWithin(deadline, () => jwts.verify(...args)),
      explain: async (...args) =>
        answeredWithin(deadline, () => jwts.explain(...args)).catch((error: unknown) =>
          refusedExplanation('jwts', error, CLAIMS),
        ),
    }
  }

  return Object.freeze<Verifier<C>>({
    verify: async (token, context) => {
      const other = jwtVerifier(token)
      if (other !== undefined) return other.verify(token, context)
      return verifyAnswer(token, async () => answers.find(token), context)
    },
    verifyFresh: async (verified, context) => {
      const { token } = verified
      const other = jwtVerifier(token)
      if (other !== undefined) {
        const again = await other.verify(token, context)
        await askAgain(token, 'not cached', context)
        return again
      }
      // The same request has just asked.
      if (clock.monotonic() - (askedAt.get(verified) ?? -Infinity) < JUST_ASKED) return verified
      return askAgain(token, 'cached', context)
    },
    explain: async (token, context) => {
      const other = jwtVerifier(token)
      if (other !== undefined) return other.explain(token, context)
      try {
        const { answer } = await answers.find(token)
        const explanation = await rules.explain(token, claimsOf(answer, issuer), context)
        return { ...explanation, steps: Object.freeze([ACTIVE, ...explanation.steps]) }
      } catch (error) {
        return refusedExplanation(STEP, error, CLAIMS)
      }
    },
    ready: async () => {
      await Promise.all([jwts?.ready(), answers.ready()])
    },
    status: () => {
      const { ready, issuers } = (jwts !== undefined && own(jwts, 'status') && jwts.status?.()) || NO_ISSUERS
      const endpoint = answers.status()
      return { ready: ready && endpoint.ready, issuers: [...issuers, endpoint] }
    },
    close: () => {
      answers.close()
      jwts?.close()
    },
    now: () => clock.now(),
    accepts: () => [{ issuer, audience }, ...((jwts && own(jwts, 'accepts')?.call(jwts)) ?? [])],
  })
}

// Seconds to wait for `jwts`. It fetches keys for at most 30 s.
const JWTS_TIMEOUT = 30
const NO_ISSUERS: VerifierStatus = { ready: true, issuers: [] }
// Milliseconds.
const JUST_ASKED = 1000

/** The claims of an active token. @throws AuthError */
function claimsOf(answer: IntrospectionAnswer, issuer: string | null): IntrospectionAnswer {
  if (!answer.active)
    throw new AuthError('token_refused', {
      expected: 'an active token',
      actual: 'an inactive one',
      hint: 'The authorization server does not know the token, has revoked it, or does not let this API use it',
    })
  return issuer !== null && !Object.hasOwn(answer, 'iss') ? { ...answer, iss: issuer } : answer
}

/** Whether a token has three parts, the first of them a JSON object. What only begins like one counts, too, because it must not be sent. */
function isJwt(token: unknown): boolean {
  if (typeof token !== 'string') return false
  const parts = token.split('.', 4)
  const [header = ''] = parts
  if (parts.length !== 3) return false
  if (header.length > MAXIMUM_LIMITS.headerLength) return header.startsWith('ey')
  try {
    parseJsonObject(decodePart(header.replace(/=+$/, ''), 'header'), 'a header', MAXIMUM_LIMITS)
    return true
  } catch {
    return header.startsWith('ey')
  }
}

/** Refuses other kinds of tokens: some servers say that refresh tokens are active, too. */
function accessTokenCheck(audience: string | readonly string[] | null): TokenCheck {
  return {
    name: 'token_type',
    check: async ({ claims }) => {
      const [type, use] = [own(claims, 'token_type'), own(claims, 'token_use')]
      const isAccess = typeof type === 'string' && /^(?:bearer|dpop)$/i.test(type)
      const isRefresh = [type, use].some((kind) => typeof kind === 'string' && /^refresh/i.test(kind))
      // Without its key, it would be accepted as a plain Bearer token.
      const isUnbound =
        typeof type === 'string' && /^dpop$/i.test(type) && valueAt(claims, ['cnf', 'jkt']) === undefined
      if (isUnbound)
        throw new AuthError('token_type', { expected: 'a DPoP token with "cnf.jkt"', actual: 'one without' })
      if (isRefresh || (audience === null && !isAccess))
        throw new AuthError('token_type', {
          expected: 'token_type Bearer or DPoP',
          actual: isRefresh ? 'a refresh token' : type,
        })
    },
  }
}

const STEP = 'introspection'
const CLAIMS = ['claims']
const ACTIVE: ExplanationStep = Object.freeze<ExplanationStep>({
  step: STEP,
  result: 'passed',
  expected: quote('an active token'),
  actual: quote('an active one'),
})
