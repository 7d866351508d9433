/** A job, and the access token of the user who requested it. */
export interface Job<Order = unknown> {
  readonly id: string
  /** The access token of the request that created this job. */
  readonly token: string
  /** When the job was enqueued, in seconds since the epoch. The queue sets it; never trust the sender for it. */
  readonly enqueuedAt: number
  readonly order: Order
}
