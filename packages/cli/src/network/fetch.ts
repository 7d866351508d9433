import { fetchDocument, FetchError, type FetchLike, systemClock, systemCode } from '@claimgate/core/adapter'
import type { FetchInit } from '@claimgate/core'
import { undiciFetch } from '@claimgate/core/node'

import type { Severity } from '../finding.ts'

/** The most that is read of any document: the largest JWK Set that Claimgate can be told to read. */
export const MOST_BYTES = 1_048_576

/** What an address answered. */
export interface Answer {
  readonly url: URL
  /** Absent if no answer arrived. */
  readonly status: number | undefined
  /** The body, if the status was 200 and it arrived whole. */
  readonly text: string | undefined
  /** Bytes of the body after decompression. */
  readonly bytes: number | undefined
  readonly milliseconds: number
  /** Why Claimgate would not accept the answer. */
  readonly failure: FetchError | undefined
  /** A header field of the answer; `undefined` without it. */
  field(name: string): string | undefined
  /** Seconds that the server's clock is ahead of this one; `undefined` if its `Date` does not tell. */
  readonly skew: number | undefined
}

/** Fetches a document as Claimgate does, with what a report needs. Never rejects. */
export type Fetch = (url: URL, etag?: string) => Promise<Answer>

/** @param timeout - seconds for each document */
export function createFetch(timeout: number): Fetch {
  const transport = undiciFetch()
  // The first call loads undici, which would count as latency. An aborted request is never sent.
  const loaded = transport('https://localhost', ABORTED).catch(() => undefined)
  return async (url, etag) => {
    await loaded
    let received: Awaited<ReturnType<FetchLike>> | undefined
    const started = Date.now()
    let answeredAt = started
    const recording: FetchLike = async (address, init) => {
      received = await transport(address, init)
      answeredAt = Date.now()
      return received
    }
    const result = await fetchDocument(url, {
      fetch: recording,
      clock: systemClock,
      timeout,
      maxBytes: MOST_BYTES,
      etag,
    }).then(
      ({ text }) => ({ text, failure: undefined }),
      (error: unknown) => ({ text: undefined, failure: asFetchError(error) }),
    )
    const field = (name: string): string | undefined => received?.headers.get(name) ?? undefined
    return {
      url,
      status: received?.status,
      text: result.text,
      bytes: result.text === undefined ? undefined : Buffer.byteLength(result.text),
      milliseconds: Date.now() - started,
      failure: result.failure,
      field,
      skew: skewOf(field('date'), field('age'), [started, answeredAt]),
    }
  }
}

const ABORTED: FetchInit = { method: 'GET', headers: {}, redirect: 'manual', signal: AbortSignal.abort() }

function asFetchError(error: unknown): FetchError {
  return error instanceof FetchError ? error : new FetchError('network', 'The fetch failed', { cause: error })
}

/**
 * Seconds that a server's clock is ahead, at least: it may have read its clock at any time between request and answer.
 * `Date` is cut to whole seconds, and a cache repeats the one of its origin (RFC 9110 section 6.6.1).
 */
export function skewOf(
  date: string | undefined,
  age = '0',
  [asked, answered]: readonly [number, number],
): number | undefined {
  const sent = Date.parse(date ?? '')
  if (Number.isNaN(sent) || !/^\d{1,9}$/.test(age)) return undefined
  const ahead = sent + 500 + Number(age) * 1000 - (asked + answered) / 2
  const unknown = (answered - asked) / 2
  return Math.sign(ahead) * Math.round(Math.max(0, Math.abs(ahead) - unknown) / 1000) || 0
}

// Certificates that Node does not trust, and other failures of TLS that a later attempt does not mend.
const UNTRUSTED = /CERT|TLS|SSL|ISSUER|SELF_SIGNED|ALTNAME/

/** Whether a failed fetch shows a fault of the server, or that it could not be examined now. */
export function severityOf({ reason, status, cause, message }: FetchError): Extract<Severity, 'bad' | 'unknown'> {
  if (status !== undefined) return status >= 500 || status === 429 ? 'unknown' : 'bad'
  if (reason === 'timeout') return 'unknown'
  if (reason !== 'network') return 'bad'
  const inner = cause instanceof Error ? cause.cause : undefined
  const code = systemCode(cause) ?? systemCode(inner) ?? message
  return UNTRUSTED.test(code) ? 'bad' : 'unknown'
}
