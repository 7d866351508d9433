/** What requests call themselves (RFC 9110 section 10.1.5): some key endpoints refuse requests without a `User-Agent`. */
export const USER_AGENT = 'claimgate/0.1.0'

/**
 * The field, unless this is a browser: some browsers forbid it, and the others send a preflight because of it. Read at each call, as
 * tests replace the global.
 */
export function userAgent(): Readonly<Record<string, string>> {
  return globalThis.navigator?.userAgent?.startsWith('Mozilla/') ? NONE : SENT
}

const NONE = Object.freeze({})
const SENT = Object.freeze({ 'user-agent': USER_AGENT })
