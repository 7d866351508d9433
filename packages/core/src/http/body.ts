import type { Clock } from '../model/runtime.ts'

/** What reading a body gives: bytes, or its end. Async iterators and the readers of streams give the same. */
export interface BodyChunk {
  readonly done?: boolean | undefined
  readonly value?: unknown
}

/** Why a body was not read to its end. */
export class BodyError extends Error {
  override readonly name: string = 'BodyError'
  readonly flaw: 'too_large' | 'too_slow' | 'unreadable'

  constructor(flaw: BodyError['flaw'], ...cause: readonly [cause?: unknown]) {
    super(MESSAGES[flaw], cause.length > 0 ? { cause: cause[0] } : undefined)
    this.flaw = flaw
  }
}

/** Bytes of a body that is read before its sender is authenticated. */
const MOST_BYTES = 65_536
const LONGEST_WAIT = 5000

const MESSAGES = {
  too_large: `at most ${MOST_BYTES} bytes`,
  too_slow: `a body within ${LONGEST_WAIT / 1000} s`,
  unreadable: 'a body that can be read to its end',
} as const

/**
 * Reads a body of at most 64 KiB as UTF-8 within 5 s. Stops at these limits: the caller must release the stream.
 *
 * @param next - reads the next chunk
 * @throws BodyError
 */
export async function readBody(next: () => Promise<BodyChunk>, clock: Clock): Promise<string> {
  const deadline = deadlineOf(clock)
  // Keeps a byte order mark, as `formData()` does.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  let length = 0
  try {
    for (;;) {
      const chunk = await Promise.race([next(), deadline.over])
      if (chunk === undefined || deadline.isOver()) throw new BodyError('too_slow')
      const { done, value } = chunk
      if (done) return text
      if (!ArrayBuffer.isView(value)) throw new TypeError('The body holds something that is not bytes')
      // An empty chunk counts as one byte, because a body may contain any number of them.
      length += Math.max(1, value.byteLength)
      if (length > MOST_BYTES) throw new BodyError('too_large')
      text += decoder.decode(value, { stream: true })
    }
  } catch (error) {
    throw error instanceof BodyError ? error : new BodyError('unreadable', error)
  } finally {
    deadline.cancel()
  }
}

interface Deadline {
  /** Resolves when the time is up. */
  readonly over: Promise<undefined>
  isOver(): boolean
  cancel(): void
}

// The timer stops a stream that sends nothing. The clock stops one that sends so fast that timers never run.
function deadlineOf(clock: Clock): Deadline {
  const end = clock.monotonic() + LONGEST_WAIT
  let cancel = (): void => {}
  const over = new Promise<undefined>((resolve) => {
    cancel = clock.setTimeout(() => resolve(undefined), LONGEST_WAIT)
  })
  return { over, isOver: () => clock.monotonic() >= end, cancel: () => cancel() }
}
