import { isThenable } from './thenable.ts'

/** Keeps a promise that nobody waits for from ending the program when it is rejected. Anything else is left alone. */
export function ignoreRejection(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => {})
}
