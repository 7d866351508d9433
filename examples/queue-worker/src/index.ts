export type { Job } from './job.ts'
export type { JobQueue } from './job-queue.ts'
export { createMemoryQueue, type DeadLetter, type MemoryQueue } from './memory-queue.ts'
export { createQueueWorker, type JobOutcome, type QueueWorker, type QueueWorkerOptions } from './queue-worker.ts'
