import type { Clock } from '../model/runtime.ts'
import { bytesIn } from '../model/values.ts'

/** Reads the next chunk of a body, as the `next` of async iterators and the `read` of stream readers do. */
export type NextChunk = () => Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>

/** Limits on a body. */
export interface BodyLimits {
  /** Bytes. */
  readonly most: number
  /** Seconds from the first to the last byte. */
  readonly seconds: number
  readonly clock: Pick<Clock, 'setTimeout' | 'monotonic'>
}

/** Why a body was not read to its end. The message says what is allowed. */
export class BodyError extends Error {
  override readonly name: string = 'BodyError'
  readonly flaw: 'too_large' | 'too_slow' | 'unreadable'

  constructor(flaw: BodyError['flaw'], allowed: string, options?: ErrorOptions) {
    super(allowed, options)
    this.flaw = flaw
  }
}

/**
 * Reads a body of a sender who is not authenticated yet: UTF-8 of at most 64 KiB, within 5 s. Stops at these limits: the caller must release
 * the stream.
 *
 * @throws BodyError
 */
export async function readBody(next: NextChunk, clock: Clock): Promise<string> {
  // Keeps a byte order mark, as `formData()` does.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    await readBytes(next, { most: 65_536, seconds: 5, clock }),
  )
}

/**
 * Reads a body to its end, within the limits. After an error, nothing more is read: the caller must release the stream.
 *
 * @throws BodyError
 */
export async function readBytes(
  next: NextChunk,
  { most, seconds, clock }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = collected(most)
  let counted = 0
  const tooSlow = (): BodyError => new BodyError('too_slow', `a body within ${seconds} s`)
  let stop = (): void => {}
  const end = clock.monotonic() + seconds * 1000
  const cancel = clock.setTimeout(() => stop(), seconds * 1000)
  // Not `Promise.race`, which would keep something for every chunk until the end.
  const nextInTime = (): ReturnType<NextChunk> =>
    new Promise((resolve, reject) => {
      stop = () => reject(tooSlow())
      next().then(resolve, reject)
    })
  try {
    for (;;) {
      const { done, value } = await nextInTime()
      // The timer stops a body that sends nothing. The clock stops one that sends so fast that timers never run.
      if (clock.monotonic() >= end) throw tooSlow()
      if (done === true) return read.bytes()
      // Checked by kind, because test environments have classes of another realm.
      if (!ArrayBuffer.isView(value)) throw new TypeError('The body holds something that is not bytes')
      // An empty chunk counts as one byte, because a body may contain any number of them.
      counted += Math.max(1, value.byteLength)
      if (counted > most) throw new BodyError('too_large', `at most ${most} bytes`)
      read.add(value)
    }
  } catch (error) {
    // The client has gone away, or the stream was read before.
    throw error instanceof BodyError
      ? error
      : new BodyError('unreadable', 'a body that can be read to its end', { cause: error })
  } finally {
    cancel()
  }
}

interface Collected {
  add(bytes: ArrayBufferView): void
  bytes(): Uint8Array<ArrayBuffer>
}

/** Collects bytes in one array that grows, because a list of chunks of one byte would take a hundred times as much memory. */
function collected(most: number): Collected {
  let all = new Uint8Array(Math.min(most, FIRST_LENGTH))
  let length = 0
  return {
    add: (chunk) => {
      const needed = length + chunk.byteLength
      if (needed > all.byteLength) {
        const larger = new Uint8Array(Math.min(most, Math.max(needed, 2 * all.byteLength)))
        larger.set(all)
        all = larger
      }
      all.set(bytesIn(chunk), length)
      length = needed
    },
    bytes: () => all.subarray(0, length),
  }
}

const FIRST_LENGTH = 16_384
