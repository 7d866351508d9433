/** What an operation throws to have the endpoint answer with an error as AWS writes it. */
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
