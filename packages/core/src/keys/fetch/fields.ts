import type { FetchHeaders } from '../../model/runtime.ts'
import { isRecord, misconfigured } from '../../options/option-rules.ts'

/** Fields of a request: names in lower case, no prototype. */
export type HeaderFields = Readonly<Record<string, string>>

/**
 * Checks the header fields that are sent with each request for keys (RFC 9110 section 5). Messages never show a value, or an invalid name,
 * which may contain a value.
 *
 * @throws TypeError for a name that is not a token or belongs to the transport, and for a value that is not visible ASCII
 */
export function headerFields(action: string, given: unknown, path: string): HeaderFields {
  const fields = Object.create(null) as Record<string, string>
  if (given === undefined) return Object.freeze(fields)
  const option = `"${path}headers"`
  if (!isRecord(given)) throw misconfigured(action, `${option} must be an object, such as { "x-api-key": "…" }`)
  for (const [written, value] of Object.entries(given)) {
    const name = written.toLowerCase()
    if (!TOKEN.test(name)) throw misconfigured(action, `${option} has a name that is no header field name`)
    if (OURS.test(name)) throw misconfigured(action, `${option} must not set "${name}", which belongs to the transport`)
    if (Object.hasOwn(fields, name)) throw misconfigured(action, `${option} has "${name}" twice`)
    if (typeof value !== 'string' || value.length > LONGEST || !VISIBLE.test(value))
      throw misconfigured(
        action,
        `the value of "${name}" in ${option} must be 1 to ${LONGEST} visible ASCII characters, with spaces only between them`,
      )
    fields[name] = value
  }
  return Object.freeze(fields)
}

const LONGEST = 8192
const TOKEN = /^[!#$%&'*+.^_`|~\da-z-]{1,256}$/
const VISIBLE = /^[!-~](?:[ -~]*[!-~])?$/
const OURS =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|range|accept-encoding|proxy-.*|content-.*|if-.*)$/

/** The `User-Agent` of requests (RFC 9110 section 10.1.5). Some key endpoints refuse requests without one. */
export const USER_AGENT = 'claimgate/0.1.0'

/**
 * The `User-Agent` field, except in browsers: some forbid it, and the others send a preflight because of it. Checked on each call because
 * tests replace the global.
 */
export function userAgent(): Readonly<Record<string, string>> {
  return globalThis.navigator?.userAgent?.startsWith('Mozilla/') ? NONE : SENT
}

const NONE = Object.freeze({})
const SENT = Object.freeze({ 'user-agent': USER_AGENT })

const FEWEST_SECONDS = 60
const MOST_SECONDS = 86_400

/**
 * Seconds a response counts as fresh, from `Cache-Control: max-age` less `Age` (RFC 9111 sections 4.2 and 5.1), clamped to between a minute
 * and a day. `undefined` if the server sends no `max-age`, or forbids storing.
 */
export function freshSeconds(headers: FetchHeaders): number | undefined {
  const control = headers.get('cache-control') ?? ''
  if (/\bno-(store|cache)\b/i.test(control)) return undefined
  const [, digits] = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})/i.exec(control) ?? []
  if (digits === undefined) return undefined
  return holdFresh(Number(digits) - ageSeconds(headers))
}

/** Seconds a response has spent in caches, from its `Age` (RFC 9111 section 5.1); 0 without one. */
export function ageSeconds(headers: FetchHeaders): number {
  return Number(/^\s*(\d{1,10})(?=\s*(?:,|$))/.exec(headers.get('age') ?? '')?.[1] ?? 0)
}

/** Clamps seconds of freshness to the limits for servers and seeds. */
export function holdFresh(seconds: number): number {
  return Math.min(Math.max(seconds, FEWEST_SECONDS), MOST_SECONDS)
}

// Allows a space inside, which some servers send and which is harmless.
const ENTITY_TAG = /^(?:W\/)?"[ !#-~]{0,1024}"$/

/**
 * A value that may go into `If-None-Match`: an entity-tag (RFC 9110 section 8.8.3) in ASCII, of reasonable length. `undefined` for anything
 * else, because a transport may refuse to send it.
 */
export function entityTag(value: unknown): string | undefined {
  return typeof value === 'string' && ENTITY_TAG.test(value) ? value : undefined
}

/** Seconds of a `Retry-After`, given as a number or a date (RFC 9110 section 10.2.3); `undefined` if it is neither. */
export function retryAfterSeconds(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
