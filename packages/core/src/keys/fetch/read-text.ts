import type { FetchResponse } from '../../model/fetch.ts'
import { ignoreRejection } from '../../model/ignore-rejection.ts'
import { FetchError } from './fetch-error.ts'

export interface ReadTextOptions {
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Reads a body as UTF-8, counting the bytes as they come out of decompression and stopping at the cap.
 *
 * @throws FetchError `too_large`, or `malformed` for what is not UTF-8
 */
export async function readText(response: FetchResponse, { maxBytes, signal }: ReadTextOptions): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const cancel = (): void => ignoreRejection(reader.cancel())
  signal.addEventListener('abort', cancel)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.byteLength
      if (size > maxBytes)
        throw new FetchError(
          'too_large',
          `The body has more than ${maxBytes} bytes; "maxBytes" of the key set sets this limit`,
        )
      chunks.push(value)
    }
    // Cancelling ends the reading as if the body were complete.
    signal.throwIfAborted()
  } catch (error) {
    cancel()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  return utf8(chunks, size)
}

function utf8(chunks: readonly Uint8Array[], size: number): string {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  try {
    // A byte order mark is kept, for the parser to refuse.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new FetchError('malformed', 'The body is not UTF-8', { cause })
  }
}
