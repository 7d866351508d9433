/** The error an operation throws to make the endpoint respond with an AWS error. */
export class AwsRefusal extends Error {
  /** The `__type`, such as `NotFoundException`. */
  readonly type: string
  /** From 400 to 599. */
  readonly status: number

  constructor(type: string, message: string, status = 400) {
    super(message)
    this.name = 'AwsRefusal'
    this.type = type
    this.status = status
  }
}
