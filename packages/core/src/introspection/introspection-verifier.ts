import {
  asError,
  AuthError,
  createClaimsVerifier,
  decodePart,
  emit,
  type Explanation,
  type ExplanationStep,
  own,
  parseJsonObject,
  MAXIMUM_LIMITS,
  quote,
  type TokenCheck,
  tooLong,
  valueAt,
  type Verifier,
} from '../adapter.ts'
import { answerCache, cacheKey } from './answer-cache.ts'
import { endpointRequests, withoutSecrets } from './endpoint-requests.ts'
import { endpointLocator } from './endpoint.ts'
import { failureOf, type IntrospectionError, unavailable } from './failure.ts'
import { claimOptions, type IntrospectionAnswer, type IntrospectionOptions, resolveOptions } from './options.ts'
import { circuit, limitedTasks } from './request-limits.ts'

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
  const { issuer, audience, client, jwts, answers, cache: cacheOptions, limits, clock, onEvent } = options
  const timeout = options.timeout * 1000
  const fetch = withoutSecrets(options.fetch)
  const endpoint = endpointLocator(options, fetch)
  const requests = endpointRequests(options, fetch)
  const health = circuit(clock, timeout, Math.random)
  const tasks = limitedTasks<IntrospectionAnswer>(options.maxInFlight, timeout, clock)
  const cache = answerCache({
    options: cacheOptions,
    maxEntries: cacheOptions === false ? 1 : cacheOptions.maxEntries,
    clock,
    storeTimeout: options.timeout / 2,
  })
  const rules = createClaimsVerifier<C>({
    ...claimOptions(options),
    issuer,
    audience,
    limits,
    clock,
    onEvent,
    checks: [accessTokenCheck(audience), ...options.checks],
  })
  let closed = false
  let lastFailure: IntrospectionError = failureOf(undefined)

  /** One request to the endpoint, or none while it fails. @throws IntrospectionError */
  const ask = async (token: string): Promise<IntrospectionAnswer> => {
    const paused = health.wait()
    if (closed || paused > 0) throw unavailable(lastFailure, closed ? 1000 : paused)
    const attempt = health.begin()
    const until = clock.monotonic() + timeout
    try {
      const url = await endpoint.locate(until - clock.monotonic())
      const answer = await requests.ask(token, url, until - clock.monotonic())
      health.succeeded()
      return answer
    } catch (error) {
      const failure = failureOf(error)
      if (failure.scope === 'token') health.succeeded()
      else {
        lastFailure = failure
        health.failed(attempt, failure.retryAfter)
        endpoint.failed()
      }
      throw failure
    }
  }

  const answerOf = async (token: string): Promise<IntrospectionAnswer> => {
    if (typeof token !== 'string' || !B64TOKEN.test(token))
      throw new AuthError('token_malformed', { expected: 'b64token characters', actual: 'something else' })
    if (token.length > limits.tokenLength) throw tooLong('tokenLength', token.length, limits)
    const key = await cacheKey([issuer, String(options.endpoint ?? ''), client.clientId, answers, token])
    return tasks.share(key, async (turn) => {
      const cached = await cache.get(key)
      if (cached !== undefined) return cached
      const paused = health.wait()
      if (paused > 0) throw unavailable(lastFailure, paused)
      try {
        const release = await turn()
        try {
          const answer = await ask(token)
          await cache.set(key, answer)
          return answer
        } finally {
          release()
        }
      } catch (error) {
        if (error instanceof AuthError) throw error
        const failure = failureOf(error)
        const pause = health.wait()
        const { reason, status } = failure
        const retryAfter = pause / 1000
        emit(onEvent, {
          type: 'introspection.failed',
          uri: endpoint.name,
          reason,
          ...(status !== undefined && { status }),
          retryAfter,
        })
        throw unavailable(failure, Math.max(pause, (failure.retryAfter ?? 0) * 1000))
      }
    })
  }

  /** The claims of an active token. @throws AuthError */
  const claimsOf = async (token: string): Promise<IntrospectionAnswer> => {
    const answer = await answerOf(token)
    if (!answer.active)
      throw new AuthError('token_refused', {
        expected: 'an active token',
        actual: 'an inactive one',
        hint: 'The authorization server does not know the token, has revoked it, or does not let this API use it',
      })
    return issuer !== null && !Object.hasOwn(answer, 'iss') ? { ...answer, iss: issuer } : answer
  }

  const isOther = (token: string): boolean => jwts !== undefined && isJwt(token)
  return Object.freeze<Verifier<C>>({
    verify: async (token, context) => {
      if (jwts !== undefined && isOther(token)) return jwts.verify(token, context)
      const claims = await claimsOf(token).catch((error: unknown) => {
        const known = asError(error)
        if (known instanceof AuthError) emit(onEvent, { type: 'token.rejected', code: known.code })
        throw known
      })
      return rules.verify(token, claims, context)
    },
    explain: async (token, context) => {
      if (jwts !== undefined && isOther(token)) return jwts.explain(token, context)
      try {
        const explanation = await rules.explain(token, await claimsOf(token), context)
        return { ...explanation, steps: Object.freeze([ACTIVE, ...explanation.steps]) }
      } catch (error) {
        return refusedExplanation(asError(error))
      }
    },
    ready: async () => {
      await Promise.all([
        jwts?.ready(),
        requests.ready(),
        endpoint.locate(timeout).catch((error: unknown) => {
          throw unavailable(failureOf(error), 1000)
        }),
      ])
    },
    close: () => {
      closed = true
      requests.close()
      jwts?.close()
    },
    now: () => clock.now(),
  })
}

// RFC 6750 section 2.1.
const B64TOKEN = /^[\w.~+/-]+=*$/

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
const ACTIVE: ExplanationStep = Object.freeze<ExplanationStep>({
  step: STEP,
  result: 'passed',
  expected: quote('an active token'),
  actual: quote('an active one'),
})

/** Explains the refusal of a token without an answer that it is active. */
function refusedExplanation(error: Error): Explanation {
  const refusal = error instanceof AuthError ? error : undefined
  const { code, expected, actual, hint } = refusal ?? { actual: 'an unexpected error', hint: quote(error.message) }
  const details = Object.entries({ code, expected, actual, hint }).filter(([, value]) => value !== undefined)
  const failed: ExplanationStep = { step: STEP, result: 'failed', ...Object.fromEntries(details) }
  const summary = refusal ? `Refused (${refusal.code}): ${refusal.message}` : `Refused: ${hint}`
  const steps = Object.freeze([failed, { step: 'claims', result: 'skipped' } as const])
  return { accepted: false, ...(code && { code }), summary, steps }
}
