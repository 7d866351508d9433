import { sentence } from '../../errors/quote.ts'
import type { FetchFailure } from '../../model/events.ts'
import { own } from '../../model/values.ts'

interface FetchErrorDetails {
  readonly cause?: unknown
  /** Seconds from the server's `Retry-After`. */
  readonly retryAfter?: number | undefined
  /** The HTTP status, if there was a response. */
  readonly status?: number | undefined
  /** What the document was instead, if known. */
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

/** The code of a system or TLS error, such as `ECONNREFUSED`: what an operator checks first. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(error.code) ? error.code : undefined
}

/** Whole seconds for `Retry-After`, at least one. */
export function retrySeconds(milliseconds: number): number {
  return Number.isFinite(milliseconds) ? Math.max(1, Math.ceil(milliseconds / 1000)) : 1
}
