import { ageSeconds, freshSeconds } from '../fetch/cache-control.ts'
import { entityTag } from '../fetch/entity-tag.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { lifetime, type HeldSet } from './held-set.ts'
import { listSkipped, parseJwkSet, type KeySet } from '../jwk/jwk-set.ts'
import type { Errand, KeyLocation } from './key-location.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'

/**
 * One attempt: finds the address, fetches the set, and gives what shall replace the set at hand. A confirmed or equal
 * set is the same object again, so that imported keys live on.
 *
 * @throws FetchError for whatever must not replace a good set
 */
export async function fetchSet(
  location: KeyLocation,
  held: HeldSet | undefined,
  errand: Errand,
  options: ResolvedKeySetOptions,
): Promise<Omit<HeldSet, 'attempt'>> {
  const { url, validTo } = await location.locate(errand)
  // Another address may give the same entity-tag to other keys.
  const etag = held?.url === url.href ? held.etag : undefined
  const { status, text, headers, sentAt } = await errand.fetch(url, { maxBytes: options.maxBytes, etag })
  const maxAge = freshSeconds(headers)
  const { clock } = options
  // What was published since the request was sent is not in the answer, so its age counts from then.
  const completeTo = Math.min(sentAt - ageSeconds(headers) * 1000, validTo)
  const common = {
    ...lifetime(sentAt, maxAge, options),
    completeTo,
    url: url.href,
    etag: entityTag(headers.get('etag')) ?? (status === 304 ? etag : undefined),
    fetchedAt: clock.now() - (clock.monotonic() - sentAt),
    maxAge,
  }
  if (status === 304 && held) return { ...common, set: held.set, text: held.text }
  if (held?.text === text) return { ...common, set: held.set, text }
  return { ...common, set: usableSet(text, options), text }
}

function usableSet(text: string, { maxKeys, sharing }: ResolvedKeySetOptions): KeySet {
  const set = parseJwkSet(text, { maxKeys, sharing })
  if (set.size > 0) return set
  const found =
    set.skipped.length === 0 ? 'is empty' : `holds only members that are skipped: ${listSkipped(set.skipped)}`
  throw new FetchError('no_usable_key', `The JWK Set ${found.slice(0, 600)}`)
}
