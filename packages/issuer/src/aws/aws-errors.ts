import { has, own } from '../refusal.ts'

/** Whether this is an error of a socket or a look-up, which Node gives the name of a system call: it knows addresses and nothing else. */
export const isSystemError = (error: unknown): boolean => error instanceof Error && has(error, 'syscall')

/** What an error of an AWS SDK is called, fit for a message: a name of the service's or the SDK's, or the code of a system call. */
export const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error
  const name = (isSystemError(error) ? own(error, 'code') : undefined) ?? error.name
  return typeof name === 'string' && /^[\w.-]{1,80}$/.test(name) ? name : 'an error'
}

/**
 * What `send` resolves with, if it does within `timeout` milliseconds. A client may pass its signal over, such as while it
 * reads a body, so the time is kept here as well.
 *
 * @throws DOMException named `TimeoutError` when the time is over.
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
    // A client that heeds the signal has a word of its own for it.
    throw deadline.signal.aborted ? late : error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The same error without the response that the SDK hides in it: by way of the socket that leads to the request's fields,
 * session token and all, for every logger that looks at hidden members.
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
