import { AuthError, type VerifiedToken, type Verifier } from '@claimgate/core'
import type { JobQueue } from './job-queue.ts'
import type { Job } from './job.ts'

/** Options for a worker. */
export interface QueueWorkerOptions<Order> {
  readonly verifier: Verifier
  readonly queue: JobQueue<Order>
  /** The longest time a job may have waited, in seconds. Keep it below the time that an old signing key stays published. */
  readonly maxLag: number
  /** The scope that the token must have. */
  readonly scope: string
  /** Carries out a job on behalf of the token's subject. */
  readonly carryOut: (order: Order, token: VerifiedToken) => Promise<void>
}

/** Processes jobs one by one. */
export interface QueueWorker {
  /** Processes the next job and returns the outcome. If `carryOut` throws, it puts the job back and rethrows the error. */
  next(): Promise<JobOutcome>
}

/** The outcome of a job; `idle` if none is due. */
export type JobOutcome =
  | { readonly kind: 'idle' }
  | { readonly kind: 'done'; readonly id: string }
  /** The token could not be checked, because the keys are unavailable. The job is retried. */
  | { readonly kind: 'retried'; readonly id: string; readonly afterSeconds: number; readonly error: AuthError }
  /** The token was rejected. A retry would not help. */
  | { readonly kind: 'set aside'; readonly id: string; readonly error: AuthError }

/**
 * Creates a worker that verifies each job's token as of the time the job was enqueued. A token that was valid then is accepted even if
 * it expired while the job waited, up to `maxLag`.
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
