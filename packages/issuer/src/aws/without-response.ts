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
