import { publicUrl } from '../adapter.ts'

/**
 * Normalizes a URL for comparison (RFC 3986 sections 6.2.2 and 6.2.3), without its query and fragment: scheme and host in lower case,
 * percent-encodings in upper case and decoded where they need not be, no dot segments, no default port, and `/` for an empty path.
 * `undefined` for anything but an absolute http or https URL in ASCII, and for one with userinfo or a backslash.
 */
export function normalisedUrl(text: string): string | undefined {
  if (!ABSOLUTE.test(text)) return undefined
  const [resource = ''] = text.split(/[?#]/, 1)
  try {
    const { protocol, host, pathname } = new URL(resource.replaceAll(ESCAPED, normalisedEscape))
    return `${protocol}//${host}${pathname}`
  } catch {
    return undefined
  }
}

// An authority without "@" and a backslash, which browsers read as a slash, and anything printable except a backslash after it.
const ABSOLUTE = /^https?:\/\/[!"$-.0->A-[\]-~]+(?:[/?#][!-[\]-~]*)?$/i
const ESCAPED = /%[\da-f]{2}/gi
const UNRESERVED = /^[A-Za-z\d._~-]$/

function normalisedEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return UNRESERVED.test(character) ? character : escape.toUpperCase()
}

/**
 * The normalized public URL of a request. `undefined` if its path has dot segments: frameworks route the path as received, so the proof for
 * another path must not fit. `undefined`, too, if the target is no path.
 *
 * @param origin - the result of `resolveOrigin`
 */
export function requestUrl(origin: string, target: string): string | undefined {
  const url = publicUrl(origin, target)
  const [path = ''] = url.split(/[?#]/, 1)
  return DOT_SEGMENT.test(path) ? undefined : normalisedUrl(path)
}

const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/** Whether `htu` is the URL of a request, and neither needs to be normalized to see it. */
export function isPlainlyEqual(htu: unknown, origin: string, target: string): boolean {
  return PLAIN.test(target) && htu === `${origin}${target}`
}

// A path without dots, escapes, query and fragment.
const PLAIN = /^\/[\w~/-]*$/
