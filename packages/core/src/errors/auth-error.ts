import type { ErrorCode } from '../model/error-code.ts'
import { own } from '../model/own.ts'
import { catalogue, type WireError } from './catalogue.ts'
import { quote, sentence } from './quote.ts'
import { withoutStacks } from './without-stacks.ts'

/** What is known about a refusal beyond its code. `expected` and `actual` are quoted and shortened by `AuthError`. */
export interface AuthErrorDetails {
  /** What would have been accepted. */
  readonly expected?: unknown
  /** What was found. Never a whole token. */
  readonly actual?: unknown
  /** A sentence a person can act on. `AuthError` escapes what could harm a log, and hides what looks like a credential. */
  readonly hint?: string
  readonly cause?: unknown
  /** Seconds after which trying again makes sense; for status 503. */
  readonly retryAfter?: number
  /** Scopes that would have been enough; they go into the challenge (RFC 6750 section 3). */
  readonly scopes?: readonly string[]
}

/**
 * Why a request or a token was refused. Told apart by `code`, never by text: the message is for logs and may change. It has no stack
 * trace, for it is the request's doing and not the program's, and anybody may cause a million of them; a `cause` has its own.
 *
 * Status 400, 401, 403, 408 and 413 are the caller's fault; 503 says that Claimgate could not decide (RFC 6750 section 3.1).
 */
export class AuthError extends Error {
  override readonly name: string = 'AuthError'
  readonly code: ErrorCode
  readonly status: 400 | 401 | 403 | 408 | 413 | 503
  /** The RFC 6750 error for the challenge, if the status has one. */
  readonly error: WireError | undefined
  readonly hint: string | undefined
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly retryAfter: number | undefined
  /** Frozen. */
  readonly scopes: readonly string[]

  constructor(code: ErrorCode, details: AuthErrorDetails = NO_DETAILS) {
    const { summary, status, error } = catalogue[code]
    const given = own(details, 'hint')
    const hint = given === undefined ? undefined : sentence(given)
    const scopes = own(details, 'scopes') ?? NO_SCOPES
    const expected = Object.hasOwn(details, 'expected') ? quote(details.expected) : undefined
    const actual = Object.hasOwn(details, 'actual') ? quote(details.actual) : undefined
    const message = messageOf({ summary, expected, actual, hint })
    const options = Object.hasOwn(details, 'cause') ? { cause: details.cause } : undefined
    // Nothing between may throw, for then no error of the program would have a stack trace again.
    const restoreStacks = withoutStacks()
    super(message, options)
    restoreStacks()
    this.code = code
    this.status = status
    this.error = error
    this.hint = hint
    this.expected = expected
    this.actual = actual
    this.retryAfter = status === 503 ? secondsToWait(own(details, 'retryAfter')) : undefined
    this.scopes = Object.isFrozen(scopes) ? scopes : Object.freeze([...scopes])
  }
}

const NO_DETAILS: AuthErrorDetails = {}
const NO_SCOPES: readonly string[] = Object.freeze([])

function secondsToWait(retryAfter = 1): number {
  return Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : 1
}

interface Message {
  readonly summary: string
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly hint: string | undefined
}

function messageOf({ summary, expected, actual, hint }: Message): string {
  const wanted = expected === undefined ? '' : `expected ${expected}`
  const found = actual === undefined ? '' : `found ${actual}`
  const between = wanted !== '' && found !== '' ? ', ' : ''
  const comparison = wanted === '' && found === '' ? '' : `: ${wanted}${between}${found}`
  return hint === undefined || hint === '' ? `${summary}${comparison}` : `${summary}${comparison}. ${hint}`
}
