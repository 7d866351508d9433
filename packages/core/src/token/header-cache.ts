import { detached } from '../model/detached.ts'
import { recentMap } from '../model/recent-map.ts'
import { sizeInMemory } from '../model/size-in-memory.ts'
import type { JoseHeader } from '../model/token.ts'

/** Gives the header that an encoded text stands for, frozen: the same object for the same text, for as long as it is remembered. */
export type HeaderReader = (encoded: string) => JoseHeader

/**
 * Remembers headers by their encoded text, for the header of an issuer's tokens is the same few texts again and again. What `parse`
 * refuses is not remembered.
 */
export function headerCache(parse: HeaderReader): HeaderReader {
  const headers = recentMap<string, Known>(MOST_HEADERS, { most: MOST_BYTES, of: bytesOf })
  // Most issuers sign with one key at a time, and to compare is cheaper than to look up.
  let last: Known | undefined
  return (encoded) => {
    if (last?.encoded === encoded) return last.header
    const known = headers.get(encoded)
    if (known !== undefined) {
      last = known
      return known.header
    }
    const header = parse(encoded)
    // A copy of the text, for a slice would keep its whole token in memory.
    const own = detached(encoded)
    headers.set(own, { encoded: own, header })
    return header
  }
}

interface Known {
  readonly encoded: string
  readonly header: JoseHeader
}

function bytesOf({ encoded, header }: Known): number {
  return encoded.length + sizeInMemory(header)
}

// A verifier meets a few headers for each key. Strangers may fill the room, which costs the others a parse.
const MOST_HEADERS = 256
// What they take up in memory: of headers with a certificate chain, or with many members, fewer are remembered.
const MOST_BYTES = 524_288
