import { withinDeadline } from '../aws/within-deadline.ts'
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
  try {
    return await withinDeadline(timeout * 1000, send)
  } catch (error) {
    throw fromAwsError(action, error)
  }
}
