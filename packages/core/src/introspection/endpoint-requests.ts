import {
  answeredWithin,
  bare,
  type FetchedDocument,
  fetchDocument,
  type FetchLike,
  mediaTypeName,
  own,
  parseJsonObject,
  systemCode,
  TransportError,
} from '../adapter.ts'
import { badAnswer, tooLate } from './failure.ts'
import type { IntrospectionAnswer, ResolvedOptions } from './options.ts'
import { signedAnswers } from './signed-answer.ts'

/** Asks the endpoint about a token, once. @param left - milliseconds to take @throws FetchError or IntrospectionError */
export type Ask = (token: string, endpoint: URL, left: number) => Promise<IntrospectionAnswer>

/** The requests of RFC 7662 section 2.1, and the checks of their answers. */
export interface EndpointRequests {
  readonly ask: Ask
  ready(): Promise<void>
  close(): void
}

const MOST_BYTES = 65_536
const JSON_TYPE = 'application/json'
const SIGNED_TYPE = 'application/token-introspection+jwt'

/** @param fetch - one that `withoutSecrets` made */
export function endpointRequests<C extends object>(options: ResolvedOptions<C>, fetch: FetchLike): EndpointRequests {
  const { client, answers, clock, timeout, limits, issuer, onEvent } = options
  const signed = answers === 'signed' ? signedAnswers(options) : undefined
  const accept = signed === undefined ? JSON_TYPE : SIGNED_TYPE
  const closing = new AbortController()

  /** A function of the application that hangs must not keep its turn. */
  const inTime = async <T>(left: number, late: () => Error, run: () => Promise<T>): Promise<T> =>
    answeredWithin({ late, seconds: Math.max(0, left) / 1000, clock }, run)

  const answerIn = async ({ text, headers }: FetchedDocument, left: number): Promise<IntrospectionAnswer> => {
    const [type = ''] = (headers.get('content-type') ?? '').split(';', 1)
    if (`application/${mediaTypeName(type.trim())}` !== accept)
      throw badAnswer(`The content type of the answer is not ${accept}`)
    const members =
      signed === undefined
        ? jsonObject(text)
        : await inTime(
            left,
            () => tooLate('The check of the signed answer', 'token'),
            async () => signed.read(text),
          )
    if (typeof own(members, 'active') !== 'boolean') throw badAnswer('The "active" of the answer is not a boolean')
    return members as IntrospectionAnswer
  }

  const jsonObject = (text: string): Readonly<Record<string, unknown>> => {
    try {
      return parseJsonObject(new TextEncoder().encode(text), 'an answer', limits)
    } catch {
      throw badAnswer('The answer is not a JSON object, has a member twice, or is over a limit')
    }
  }

  return {
    ask: async (token, endpoint, left) => {
      const begun = clock.monotonic()
      const request = { issuer, endpoint: endpoint.href, now: clock.now() / 1000 }
      const remaining = (): number => Math.max(0, left - (clock.monotonic() - begun))
      const authentication = await inTime(
        left,
        () => tooLate('"authenticate" of the client', 'endpoint'),
        async () => client.authenticate(request),
      )
      const form = { token_type_hint: 'access_token', ...own(authentication, 'form'), token }
      const post = {
        contentType: 'application/x-www-form-urlencoded',
        body: new URLSearchParams(form).toString(),
      }
      const document = await fetchDocument(
        endpoint,
        bare({
          fetch,
          clock,
          timeout,
          left: remaining(),
          maxBytes: MOST_BYTES,
          headers: bare({ ...own(authentication, 'headers') }),
          accept,
          post,
          signal: closing.signal,
          onEvent,
        }),
      )
      return answerIn(document, remaining())
    },
    ready: async () => signed?.ready(),
    close: () => {
      closing.abort()
      signed?.close()
    },
  }
}

/** A fetch whose errors contain only the code of a system error: anything else may repeat the token or the secret. */
export function withoutSecrets(fetch: FetchLike): FetchLike {
  return async (url, init) => {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (error instanceof TransportError) throw error
      const code = systemCode(error) ?? (error instanceof Error ? systemCode(error.cause) : undefined)
      throw Object.assign(new Error('The connection failed'), code !== undefined && { code })
    }
  }
}
