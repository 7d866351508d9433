import type { Job } from './job.ts'

/** What the worker needs of a queue: SQS, Redis streams or a table have all of it. */
export interface JobQueue<Order = unknown> {
  /** The next job that is due, or `undefined`; nobody else gets it until one of the other methods is called. */
  take(): Promise<Job<Order> | undefined>
  /** Removes a job that is done. */
  complete(job: Job<Order>): Promise<void>
  /** Puts a job back, to be taken again after `seconds`. Its `enqueuedAt` stays. */
  retry(job: Job<Order>, seconds: number): Promise<void>
  /** Sets a job aside for a person to look at, with the code of the refusal. */
  setAside(job: Job<Order>, code: string): Promise<void>
}
