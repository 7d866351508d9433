import type { KeysStaleEvent } from '../../model/events.ts'
import type { FetchDocumentOptions, FetchedDocument } from '../fetch/fetch-document.ts'
import type { AttemptCause } from './attempt-history.ts'

/** A document, and when its request was sent: monotonic milliseconds. */
export interface SentDocument extends FetchedDocument {
  readonly sentAt: number
}

/** Fetches one document within the flight that asks for it. All documents of a flight share its deadline. */
export type FetchStep = (url: URL, options: Pick<FetchDocumentOptions, 'maxBytes' | 'etag'>) => Promise<SentDocument>

/** What finding the address is for, and what it may use. */
export interface Errand {
  readonly cause: AttemptCause
  readonly fetch: FetchStep
  /** To be told when an address goes on being used that could not be confirmed. */
  readonly onStale: (trouble: Omit<KeysStaleEvent, 'type'>) => void
}

/** An address of a JWK Set. */
export interface LocatedSet {
  readonly url: URL
  /** Monotonic milliseconds: keys that were published before this are at this address, wherever the issuer has moved them since. */
  readonly validTo: number
}

/** Where the JWK Set is: at an address that is known, or at one that metadata names. */
export interface KeyLocation {
  /** What seeds and stores call the key set. */
  readonly id: string
  /** What messages and events call it: the values of a query may be secrets. */
  readonly name: string
  /** @throws FetchError */
  locate(errand: Errand): Promise<LocatedSet>
  /** Whether the configuration names the place of an address, so that configured header fields may be sent there. */
  readonly trusts: (url: URL) => boolean
  /** Told that the set could not be had from where it was said to be. */
  readonly onFailure: (() => void) | undefined
}
