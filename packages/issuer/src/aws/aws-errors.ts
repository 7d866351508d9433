import { has, own } from '../refusal.ts'

/** Whether this is a socket or DNS error. Node sets `syscall` on these; their text contains only addresses. */
export const isSystemError = (error: unknown): boolean => error instanceof Error && has(error, 'syscall')

/** The name of an AWS SDK error, safe to put in a message: the name set by the service or the SDK, or the code of a system error. */
export const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error
  const name = (isSystemError(error) ? own(error, 'code') : undefined) ?? error.name
  return typeof name === 'string' && /^[\w.-]{1,80}$/.test(name) ? name : 'an error'
}

/**
 * Resolves with the result of `send` if it settles within `timeout` milliseconds. A client may ignore its signal, for example
 * while it reads a body, so a timer also runs here.
 *
 * @throws DOMException named `TimeoutError` when the time is up.
 */
export const withinDeadline = async <T>(timeout: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> => {
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

/**
 * Copies the error without the response that the SDK attaches as a hidden member. Through its socket, that response leads to the
 * request headers, including the session token, and some loggers print hidden members.
 */
export const withoutResponse = (error: Error): Error => {
  if (!Object.hasOwn(error, '$response')) return error
  const copy = new Error(error.message)
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object)
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (!LEFT_BEHIND.has(name)) Object.defineProperty(copy, name, descriptor)
  }
  if (error.stack !== undefined) copy.stack = error.stack
  return copy
}

const LEFT_BEHIND: ReadonlySet<string> = new Set(['$response', '$responseBodyText', 'stack'])
