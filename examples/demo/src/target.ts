/** A server of the demo and its name in the output. */
export interface Target {
  readonly name: string
  /** Without a trailing slash. */
  readonly url: string
}
