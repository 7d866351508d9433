import * as rule from '../rules.ts'
import type { Rule } from '../rules.ts'
import { type AwsService, fromAwsError } from './aws-errors.ts'

/** Seconds that a request may take. */
export const requestTimeout: Rule = rule.of(
  'be a number of seconds from 0.01 to 60',
  (value) => typeof value === 'number' && value >= 0.01 && value <= 60,
)

/** A request to a service: its purpose and its deadline. */
interface AwsRequest {
  /** The end of a sentence that begins with "Cannot". */
  readonly action: string
  /** Seconds for all attempts of the client in total. */
  readonly timeout: number
}

/**
 * Sends a request with a deadline. The signal aborts the current attempt; the caller does not wait for the client's pauses between
 * retries.
 *
 * @throws the error of the service, instead of any error the SDK throws.
 */
export const requestAws = async <Code extends string, Answer>(
  service: AwsService<Code>,
  { action, timeout }: AwsRequest,
  send: (abortSignal: AbortSignal) => Promise<Answer>,
): Promise<Answer> => {
  try {
    return await withinDeadline(timeout * 1000, send)
  } catch (error) {
    throw fromAwsError(service, action, error)
  }
}

/**
 * Resolves with the result of `send` if it settles within `timeout` milliseconds. A client may ignore its signal, for example
 * while it reads a body, so a timer also runs here.
 *
 * @throws DOMException named `TimeoutError` when the time is up.
 */
const withinDeadline = async <T>(timeout: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  const late = new DOMException(`No answer within ${timeout} ms`, 'TimeoutError')
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      deadline.abort(late)
      reject(late)
    }, timeout)
  })
  try {
    return await Promise.race([send(deadline.signal), over])
  } catch (error) {
    // A client that obeys the signal throws its own error, so replace it.
    throw deadline.signal.aborted ? late : error
  } finally {
    clearTimeout(timer)
  }
}
