import { fromAwsError } from './from-aws-error.ts'

/** A request to KMS: what it is for, and how long it may take. */
interface Request {
  /** The end of a sentence that begins with "Cannot". */
  readonly action: string
  /** Seconds for all attempts of the client together. */
  readonly timeout: number
}

/**
 * Sends a request under a deadline. The signal ends the attempt under way; the caller does not wait for the client's
 * pauses between attempts either.
 *
 * @throws KmsError in place of whatever the SDK throws.
 */
export const within = async <Answer>(
  { action, timeout }: Request,
  send: (abortSignal: AbortSignal) => Promise<Answer>,
): Promise<Answer> => {
  const deadline = new AbortController()
  const late = new Promise<never>((_resolve, reject) => {
    deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error), { once: true })
  })
  const timer = setTimeout(() => deadline.abort(tooLate(timeout)), timeout * 1000)
  try {
    return await Promise.race([send(deadline.signal), late])
  } catch (error) {
    throw fromAwsError(action, deadline.signal.aborted ? deadline.signal.reason : error)
  } finally {
    clearTimeout(timer)
  }
}

const tooLate = (timeout: number): DOMException =>
  new DOMException(`There was no answer within ${timeout} seconds`, 'TimeoutError')
