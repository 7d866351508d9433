import { misconfigured } from '../options/option-rules.ts'

/**
 * Checks the public origin of an API, as its clients see it: `https://api.example.com`, or with the path prefix that a proxy strips,
 * `https://api.example.com/orders`. Take it from the configuration, never from `Host` or `X-Forwarded-*`, which the client controls.
 *
 * @param action - the action that a wrong origin makes fail
 * @returns the origin and prefix without a slash at the end
 * @throws TypeError
 */
export function resolveOrigin(action: string, given: unknown): string {
  const url = typeof given === 'string' && /^https?:\/\/[\x21-\x7e]+$/i.test(given) ? parse(given) : undefined
  if (url === undefined || /[\\@?#]/.test(given as string))
    throw misconfigured(
      action,
      '"origin" must be the public origin of this API, such as "https://api.example.com"',
      given,
    )
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/**
 * The public URL of a request: the configured origin, and the path and query as received. Of an absolute target (RFC 9112 section 3.2.2),
 * only path and query count. Nothing is normalized.
 *
 * @param origin - the result of `resolveOrigin`
 * @param target - the `target` of the request's view
 */
export function publicUrl(origin: string, target: string): string {
  const path = withoutOrigin(target)
  // The target `*` names the server itself (RFC 9112 section 3.2.4).
  if (path === '*') return origin
  return `${origin}${path.startsWith('/') ? '' : '/'}${path}`
}

/** The path and query of a request target. An absolute target (RFC 9112 section 3.2.2) also has an origin, which is removed. */
export function withoutOrigin(target: string): string {
  return target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
}

/** A path as routers compare it. `undefined` if it has escaped delimiters such as `%2F`, which they do not decode, or is not UTF-8. */
export function decodedPath(path: string): string | undefined {
  if (/%(?:2[346bcf]|3[abdf]|40)/i.test(path)) return undefined
  try {
    return decodeURI(path)
  } catch {
    return undefined
  }
}
