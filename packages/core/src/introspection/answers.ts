import { AuthError, emit, type IssuerStatus, tooLong } from '../adapter.ts'
import { answerCache, cacheKey } from './answer-cache.ts'
import { type EndpointRequests, endpointRequests, withoutSecrets } from './endpoint-requests.ts'
import { type EndpointLocator, endpointLocator } from './endpoint.ts'
import { failureOf, type IntrospectionError, unavailable } from './failure.ts'
import type { IntrospectionAnswer, ResolvedOptions } from './options.ts'
import { circuit, limitedTasks, type Turn } from './request-limits.ts'

/** An answer about a token. */
export interface FoundAnswer {
  readonly answer: IntrospectionAnswer
  /** Whether the endpoint was asked after the caller wanted the answer. */
  readonly isFresh: boolean
}

/** Answers about tokens: cached, or from the endpoint. */
export interface Answers {
  /** @throws AuthError */
  find(token: string): Promise<FoundAnswer>
  /** Asks the endpoint, and not before this call. @param keep - whether to cache the answer @throws AuthError */
  ask(token: string, keep: 'cached' | 'not cached'): Promise<IntrospectionAnswer>
  ready(): Promise<void>
  /** Ready once the endpoint is known. It stays ready while requests pause, because cached answers still count. */
  status(): IssuerStatus
  close(): void
}

/** @throws TypeError for an endpoint or an issuer that must not be asked */
export function answersOf<C extends object>(options: ResolvedOptions<C>): Answers {
  const { issuer, client, answers, cache: cacheOptions, limits, clock, onEvent } = options
  const timeout = options.timeout * 1000
  const fetch = withoutSecrets(options.fetch)
  const endpoint: EndpointLocator = endpointLocator(options, fetch)
  const requests: EndpointRequests = endpointRequests(options, fetch)
  const health = circuit(clock, timeout, Math.random)
  const tasks = limitedTasks<IntrospectionAnswer>(options.maxInFlight, timeout, clock)
  const cache = answerCache({
    options: cacheOptions,
    maxEntries: cacheOptions === false ? 1 : cacheOptions.maxEntries,
    clock,
    storeTimeout: options.timeout / 2,
  })
  let closed = false
  let lastFailure: IntrospectionError = failureOf(undefined)

  /** One request to the endpoint, or none while it fails. @throws IntrospectionError */
  const request = async (token: string): Promise<IntrospectionAnswer> => {
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

  /** @param key - where to cache the answer @throws AuthError */
  const answerInTurn = async (token: string, turn: Turn, key: string | undefined): Promise<IntrospectionAnswer> => {
    const paused = health.wait()
    if (paused > 0) throw unavailable(lastFailure, paused)
    try {
      const release = await turn()
      try {
        const answer = await request(token)
        if (key !== undefined) await cache.set(key, answer)
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
  }

  const keyOf = async (token: string): Promise<string> => {
    if (typeof token !== 'string' || !B64TOKEN.test(token))
      throw new AuthError('token_malformed', { expected: 'b64token characters', actual: 'something else' })
    if (token.length > limits.tokenLength) throw tooLong('tokenLength', token.length, limits)
    return cacheKey([issuer, String(options.endpoint ?? ''), client.clientId, answers, token])
  }

  return {
    find: async (token) => {
      const key = await keyOf(token)
      let isFresh = false
      // Does not run if another request is asking already.
      const answer = await tasks.share(key, async (turn) => {
        const cached = await cache.get(key)
        if (cached !== undefined) return cached
        isFresh = true
        return answerInTurn(token, turn, key)
      })
      return { answer, isFresh }
    },
    ask: async (token, keep) => {
      const key = await keyOf(token)
      return tasks.begin(key, async (turn) => answerInTurn(token, turn, keep === 'cached' ? key : undefined))
    },
    ready: async () => {
      await Promise.all([
        requests.ready(),
        endpoint.locate(timeout).catch((error: unknown) => {
          throw unavailable(failureOf(error), 1000)
        }),
      ])
    },
    status: () => ({
      issuer,
      ready: endpoint.isKnown(),
      freshness: 'given',
      ...(health.wait() > 0 && { failure: lastFailure.reason }),
      nextAttempt: health.wait() / 1000,
    }),
    close: () => {
      closed = true
      requests.close()
      endpoint.close()
    },
  }
}

// RFC 6750 section 2.1.
const B64TOKEN = /^[\w.~+/-]+=*$/
