import type { Readable } from 'node:stream'

/**
 * A Node stream as the body of a `Response`, read as slowly as its reader wants.
 *
 * Instead of `Readable.toWeb`, which on Node 22 and 24 throws where nobody can catch it when a body is cancelled while
 * bytes are on their way.
 */
export function webStream(readable: Readable): ReadableStream<Uint8Array> {
  // A reader learns of errors from `next`; without a reader they concern nobody.
  readable.on('error', () => undefined)
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => {
        readable.destroy()
      },
    },
    { highWaterMark: 0 },
  )
}
