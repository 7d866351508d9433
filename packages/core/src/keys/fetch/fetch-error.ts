import { sentence } from '../../errors/quote.ts'
import { own } from '../../model/own.ts'
import type { FetchFailure } from '../../model/events.ts'

export interface FetchErrorDetails {
  readonly cause?: unknown
  /** What the server asked for in `Retry-After`, in seconds. */
  readonly retryAfter?: number | undefined
  /** The HTTP status, where there was an answer. */
  readonly status?: number | undefined
  /** What the document was instead, where that can be told. */
  readonly content?: 'web_page' | undefined
}

/** Why keys or metadata could not be fetched; the `cause` of an `AuthError` `keys_unavailable`. */
export class FetchError extends Error {
  override readonly name: string = 'FetchError'
  readonly reason: FetchFailure
  readonly retryAfter: number | undefined
  readonly status: number | undefined
  readonly content: 'web_page' | undefined

  constructor(reason: FetchFailure, message: string, details: FetchErrorDetails = {}) {
    super(sentence(message), Object.hasOwn(details, 'cause') ? { cause: details.cause } : undefined)
    this.reason = reason
    this.retryAfter = own(details, 'retryAfter')
    this.status = own(details, 'status')
    this.content = own(details, 'content')
  }
}
