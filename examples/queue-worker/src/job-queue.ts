import type { Job } from './job.ts'

/** The queue operations that the worker needs. SQS, Redis streams or a database table can provide them. */
export interface JobQueue<Order = unknown> {
  /** Takes the next due job, or `undefined`. No other worker gets it until one of the other methods is called. */
  take(): Promise<Job<Order> | undefined>
  /** Removes a finished job. */
  complete(job: Job<Order>): Promise<void>
  /** Puts a job back, due again after `seconds`. Its `enqueuedAt` does not change. */
  retry(job: Job<Order>, seconds: number): Promise<void>
  /** Moves a job to the dead letters for manual review, with the code of the refusal. */
  setAside(job: Job<Order>, code: string): Promise<void>
}
