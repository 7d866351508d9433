import type { Clock, RequestView } from '@claimgate/core/adapter'
import { MessageError } from './message-error.ts'

/** Limits on a message, which is read only after its token has been accepted. */
export interface BodyLimits {
  /** Bytes. */
  readonly most: number
  /** Seconds from the first to the last byte. */
  readonly seconds: number
  readonly clock: Pick<Clock, 'setTimeout' | 'monotonic'>
}

/** The chunks of a body, as streams of Node and of the web give them. `return` is never called: it would close the connection. */
export interface Chunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>
}

/**
 * Refuses what can be refused by the header fields: another content type, compression, and a declared length over the limit.
 *
 * @throws MessageError with status 413 or 415
 */
export function checkBodyFields(view: Pick<RequestView, 'header'>, { most }: BodyLimits): void {
  const [type = '', ...others] = view.header('content-type')
  if (others.length > 0 || !JSON_TYPE.test(type)) throw new MessageError('content_type')
  if (view.header('content-encoding').some((coding) => coding.toLowerCase() !== 'identity'))
    throw new MessageError('content_coding')
  if (view.header('content-length').some((length) => Number(length) > most)) throw new MessageError('too_large')
}

// JSON is always UTF-8 (RFC 8259 section 8.1); some clients say so.
const JSON_TYPE = /^application\/json[\t ]*(?:;[\t ]*charset[\t ]*=[\t ]*"?utf-8"?[\t ]*)?$/i

/**
 * Reads a body to its end, within the limits. After a refusal, nothing more is read.
 *
 * @throws MessageError with status 400, 408 or 413
 */
export async function readBody(chunks: Chunks, { most, seconds, clock }: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const read = collected(most)
  let counted = 0
  let stop = (): void => {}
  const end = clock.monotonic() + seconds * 1000
  const cancel = clock.setTimeout(() => stop(), seconds * 1000)
  // Not `Promise.race`, which would keep something for every chunk until the end.
  const next = (): ReturnType<Chunks['next']> =>
    new Promise((resolve, reject) => {
      stop = () => reject(new MessageError('too_slow'))
      chunks.next().then(resolve, reject)
    })
  try {
    for (;;) {
      const { done, value } = await next()
      // The timer stops a body that sends nothing. The clock stops one that sends so fast that timers never run.
      if (clock.monotonic() >= end) throw new MessageError('too_slow')
      if (done === true) return read.bytes()
      const bytes = typeof value === 'string' ? encoder.encode(value) : value
      if (!(bytes instanceof Uint8Array)) throw new MessageError('unreadable')
      // An empty chunk counts as one byte, because a body may contain any number of them.
      counted += Math.max(1, bytes.byteLength)
      if (counted > most) throw new MessageError('too_large')
      read.add(bytes)
    }
  } catch (error) {
    // The client has gone away, or the stream was read before.
    throw error instanceof MessageError ? error : new MessageError('unreadable')
  } finally {
    cancel()
  }
}

const encoder = new TextEncoder()

interface Collected {
  add(bytes: Uint8Array): void
  bytes(): Uint8Array<ArrayBuffer>
}

/** Collects bytes in one array that grows, because a list of chunks of one byte would take a hundred times as much memory. */
function collected(most: number): Collected {
  let all = new Uint8Array(Math.min(most, FIRST_LENGTH))
  let length = 0
  return {
    add: (bytes) => {
      const needed = length + bytes.byteLength
      if (needed > all.byteLength) {
        const larger = new Uint8Array(Math.min(most, Math.max(needed, 2 * all.byteLength)))
        larger.set(all)
        all = larger
      }
      all.set(bytes, length)
      length = needed
    },
    bytes: () => all.subarray(0, length),
  }
}

const FIRST_LENGTH = 16_384
