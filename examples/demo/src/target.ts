/** A server of the demo, by the name the story gives it. */
export interface Target {
  readonly name: string
  /** Without a trailing slash. */
  readonly url: string
}
