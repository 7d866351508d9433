import type { FetchDocumentOptions, FetchedDocument } from '../fetch/fetch-document.ts'

/** Fetches one document within the flight that asks for it. */
export type FetchStep = (url: URL, options: Pick<FetchDocumentOptions, 'maxBytes' | 'etag'>) => Promise<FetchedDocument>

/** Where the JWK Set is: at an address that is known, or at one that metadata names. */
export interface KeyLocation {
  /** What seeds and events call the key set. */
  readonly id: string
  /** @throws FetchError */
  locate(fetch: FetchStep): Promise<URL>
  /** Told that the set could not be had from where it was said to be. */
  onFailure?(): void
}
