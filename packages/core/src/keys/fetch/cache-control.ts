import type { FetchHeaders } from '../../model/fetch.ts'

const FEWEST_SECONDS = 60
const MOST_SECONDS = 86_400

/**
 * Seconds an answer may count as fresh, from `Cache-Control: max-age` less `Age` (RFC 9111 sections 4.2 and 5.1), held
 * between a minute and a day; `undefined` where the server says nothing, or wants nothing stored.
 */
export function freshSeconds(headers: FetchHeaders): number | undefined {
  const control = headers.get('cache-control') ?? ''
  if (/\bno-(store|cache)\b/i.test(control)) return undefined
  const [, digits] = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})/i.exec(control) ?? []
  if (digits === undefined) return undefined
  return holdFresh(Number(digits) - ageSeconds(headers))
}

/** Seconds an answer has been in caches on the way, by its `Age` (RFC 9111 section 5.1); 0 where none is named. */
export function ageSeconds(headers: FetchHeaders): number {
  return Number(/^\s*(\d{1,10})(?=\s*(?:,|$))/.exec(headers.get('age') ?? '')?.[1] ?? 0)
}

/** Seconds of freshness within the bounds that hold for what servers, and seeds, may ask for. */
export function holdFresh(seconds: number): number {
  return Math.min(Math.max(seconds, FEWEST_SECONDS), MOST_SECONDS)
}
