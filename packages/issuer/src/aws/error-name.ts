import { has, own } from '../own.ts'

/** Whether this is an error of a socket or a look-up, which Node gives the name of a system call: it knows addresses and nothing else. */
export const isSystemError = (error: unknown): boolean => error instanceof Error && has(error, 'syscall')

/** What an error of an AWS SDK is called, fit for a message: a name of the service's or the SDK's, or the code of a system call. */
export const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error
  const name = (isSystemError(error) ? own(error, 'code') : undefined) ?? error.name
  return typeof name === 'string' && /^[\w.-]{1,80}$/.test(name) ? name : 'an error'
}
