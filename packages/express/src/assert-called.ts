/**
 * Fails with a sentence where a function that makes a middleware was put in the place of one, so that Express calls it with a request.
 *
 * @param call - how to write it
 * @throws TypeError
 */
export function assertCalled(call: string, firstArgument: unknown): void {
  if (typeof firstArgument !== 'object' || firstArgument === null || !('rawHeaders' in firstArgument)) return
  throw new TypeError(`Cannot take a request for options: write ${call}, for without a call it is no middleware`)
}
