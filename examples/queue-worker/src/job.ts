/** A piece of work somebody asked for, and the token that says who. */
export interface Job<Order = unknown> {
  readonly id: string
  /** The access token the request for this job came with. */
  readonly token: string
  /** When the queue took the job, in seconds since the epoch: the queue's own stamp, never the sender's word. */
  readonly enqueuedAt: number
  readonly order: Order
}
