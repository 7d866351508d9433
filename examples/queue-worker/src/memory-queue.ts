import type { Clock } from '@claimgate/core'
import type { JobQueue } from './job-queue.ts'
import type { Job } from './job.ts'

/** A job that was set aside, and why. */
export interface DeadLetter<Order = unknown> {
  readonly job: Job<Order>
  /** The code of the `AuthError`. */
  readonly code: string
}

/** A queue in memory that also shows its contents. */
export interface MemoryQueue<Order = unknown> extends JobQueue<Order> {
  /** Adds a job with the current time as its timestamp. */
  enqueue(token: string, order: Order): Job<Order>
  /** All waiting jobs, due or not. */
  waiting(): readonly Job<Order>[]
  deadLetters(): readonly DeadLetter<Order>[]
}

interface Entry<Order> {
  readonly job: Job<Order>
  /** Milliseconds since the epoch. */
  readonly dueAt: number
}

/** Creates a queue in memory. `clock` sets the timestamps of jobs and determines when a retry is due. */
export function createMemoryQueue<Order>(clock: Pick<Clock, 'now'>): MemoryQueue<Order> {
  const entries: Entry<Order>[] = []
  const deadLetters: DeadLetter<Order>[] = []
  let count = 0

  return {
    enqueue: (token, order) => {
      count += 1
      const job = { id: `job-${count}`, token, enqueuedAt: clock.now() / 1000, order }
      entries.push({ job, dueAt: clock.now() })
      return job
    },
    take: async () => {
      const next = entries.findIndex(({ dueAt }) => dueAt <= clock.now())
      return next < 0 ? undefined : entries.splice(next, 1)[0]?.job
    },
    complete: async () => {},
    retry: async (job, seconds) => {
      entries.push({ job, dueAt: clock.now() + seconds * 1000 })
    },
    setAside: async (job, code) => {
      deadLetters.push({ job, code })
    },
    waiting: () => entries.map(({ job }) => job),
    deadLetters: () => [...deadLetters],
  }
}
