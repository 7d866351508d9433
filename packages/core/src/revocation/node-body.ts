import { own } from '../adapter.ts'
import type { RequestBody } from './endpoint.ts'

/** The part of a request of `node:http` or `node:http2` that is read. */
export interface NodeBodyStream {
  readonly readableDidRead?: boolean
  readonly readableEnded?: boolean
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterator<unknown>
}

/**
 * The body of a request of Node. If another middleware has read it, what that has left.
 *
 * @param parsed - the `body` of the request in a framework
 */
export function nodeBody(stream: NodeBodyStream, parsed: unknown): RequestBody {
  if (own(stream, 'readableDidRead') === true || own(stream, 'readableEnded') === true) return { parsed }
  // Leaving the loop early must not destroy the socket: the refusal is still to be sent.
  const iterator = stream.iterator({ destroyOnReturn: false })
  return { next: () => iterator.next() }
}
