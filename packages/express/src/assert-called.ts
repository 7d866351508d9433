import { has } from '@claimgate/core/extend'

/**
 * Fails with a sentence where a function that makes a middleware was passed uncalled, so that Express calls it with a request.
 *
 * @param name - the function
 * @param call - how to write it
 * @throws TypeError
 */
export function assertCalled(name: string, call: string, firstArgument: unknown): void {
  if (typeof firstArgument !== 'object' || firstArgument === null) return
  if (has(firstArgument, 'headers') && has(firstArgument, 'method'))
    throw new TypeError(`${name} was passed uncalled: write ${call}`)
}
