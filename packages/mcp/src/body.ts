import { BodyError, type BodyLimits, type NextChunk, readBytes, type RequestView } from '@claimgate/core/adapter'
import { MessageError } from './message-error.ts'

/** The chunks of a body, as streams of Node and of the web give them. `return` is never called: it would close the connection. */
export interface Chunks {
  next: NextChunk
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
 * Reads the body of a message, whose token has been accepted.
 *
 * @throws MessageError with status 400, 408 or 413
 */
export async function readMessage(chunks: Chunks, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBytes(async () => inBytes(await chunks.next()), limits)
  } catch (error) {
    throw error instanceof BodyError ? new MessageError(error.flaw) : error
  }
}

// A stream of Node gives text once something has called its `setEncoding`.
function inBytes(chunk: Chunk): Chunk {
  return typeof chunk.value === 'string' ? { done: chunk.done, value: encoder.encode(chunk.value) } : chunk
}

type Chunk = Awaited<ReturnType<NextChunk>>

const encoder = new TextEncoder()
