// Deflate expands at most 1,032 times, so a piece of this size becomes at most a megabyte, even in a runtime that decompresses it at once.
const PIECE = 1024

/**
 * Decompresses zlib data (RFC 1950) to at most so many bytes. It stops at that limit, so that a small text cannot use much memory.
 *
 * @throws TypeError for other data, and RangeError over the limit
 */
export async function inflate(data: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate')
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  // Waits until what was written has been read.
  const write = async (): Promise<void> => {
    for (let at = 0; at < data.length; at += PIECE) await writer.write(data.subarray(at, at + PIECE))
    await writer.close()
  }
  // The reader sees the same error.
  write().catch(() => {})
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return joined(chunks, length)
    length += value.length
    if (length > most) {
      reader.cancel().catch(() => {})
      throw new RangeError(`More than ${most} bytes`)
    }
    chunks.push(value)
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
