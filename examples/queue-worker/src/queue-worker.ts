import { AuthError, type VerifiedToken, type Verifier } from '@claimgate/core'
import type { JobQueue } from './job-queue.ts'
import type { Job } from './job.ts'

/** What a worker works with. */
export interface QueueWorkerOptions<Order> {
  readonly verifier: Verifier
  readonly queue: JobQueue<Order>
  /** How long a job may have waited, in seconds. Keep it below the time an old signing key stays published. */
  readonly maxLag: number
  /** A scope the token must have. */
  readonly scope: string
  /** Carries out a job in the name of whoever asked for it. */
  readonly carryOut: (order: Order, token: VerifiedToken) => Promise<void>
}

/** Takes jobs one by one. */
export interface QueueWorker {
  /** Takes the next job and tells what became of it. Throws what `carryOut` throws, with the job back in the queue. */
  next(): Promise<JobOutcome>
}

/** What became of a job, or that none is due. */
export type JobOutcome =
  | { readonly kind: 'idle' }
  | { readonly kind: 'done'; readonly id: string }
  /** It could not be decided whether the token is good: the job is not to blame. */
  | { readonly kind: 'retried'; readonly id: string; readonly afterSeconds: number; readonly error: AuthError }
  /** The token is to blame, and will not get any better. */
  | { readonly kind: 'set aside'; readonly id: string; readonly error: AuthError }

/**
 * Makes a worker that verifies each job's token as of the time the job was put into the queue: a token that was good then
 * counts, even if it has expired while the job waited. `maxLag` bounds how far that goes.
 */
export function createQueueWorker<Order>(options: QueueWorkerOptions<Order>): QueueWorker {
  const { verifier, queue, maxLag, scope, carryOut } = options

  const admit = async ({ token, enqueuedAt }: Job<Order>): Promise<VerifiedToken> => {
    const verified = await verifier.verify(token, { asOf: { time: enqueuedAt, maxLag } })
    if (!verified.scopes.has(scope)) throw new AuthError('insufficient_scope', { expected: scope, scopes: [scope] })
    return verified
  }

  const refuse = async (job: Job<Order>, error: AuthError): Promise<JobOutcome> => {
    const { id } = job
    if (error.status !== 503) {
      await queue.setAside(job, error.code)
      return { kind: 'set aside', id, error }
    }
    const afterSeconds = error.retryAfter ?? RETRY_AFTER
    await queue.retry(job, afterSeconds)
    return { kind: 'retried', id, afterSeconds, error }
  }

  const finish = async (job: Job<Order>, token: VerifiedToken): Promise<JobOutcome> => {
    await carryOut(job.order, token)
    await queue.complete(job)
    return { kind: 'done', id: job.id }
  }

  const attempt = async (job: Job<Order>): Promise<JobOutcome> => {
    const token = await admit(job).catch(onlyAuthError)
    return token instanceof AuthError ? refuse(job, token) : finish(job, token)
  }

  return {
    next: async () => {
      const job = await queue.take()
      if (job === undefined) return { kind: 'idle' }
      try {
        return await attempt(job)
      } catch (error) {
        await queue.retry(job, RETRY_AFTER)
        throw error
      }
    },
  }
}

const RETRY_AFTER = 1

function onlyAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error
  throw error
}
