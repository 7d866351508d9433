/** 200: what the service itself says, or something else in its place, as late as asked for. */
export interface AwsOk {
  readonly kind: 'ok'
  /** The members of the answer, in place of the service's. Byte strings are in base64. @defaultValue the service's own */
  readonly body?: object
  /** Milliseconds to wait before answering. @defaultValue 0 */
  readonly delay?: number
}

/** An error as AWS writes it: `{"__type": …, "message": …}`. */
export interface AwsError {
  readonly kind: 'error'
  /** Such as `DisabledException`. */
  readonly type: string
  /** @defaultValue The type, in a sentence */
  readonly message?: string
  /** From 400 to 599. @defaultValue 400 */
  readonly status?: number
}

/** The two errors that every operation of every service knows. */
export interface AwsCommonError {
  /**
   * - `throttle`: `ThrottlingException`, 400: too many requests
   * - `denied`: `AccessDeniedException`, 400: the caller's policy does not allow it
   */
  readonly kind: 'throttle' | 'denied'
}

/** No error of AWS: what a broken network or a broken proxy does. */
export interface AwsOutage {
  /**
   * - `hang`: takes the request and never answers
   * - `reset`: cuts the connection before the first byte of an answer
   * - `garbage`: 200 with a page, as a captive portal sends it
   * - `truncated`: 200 with a content-length that promises more than is sent, then the end of the connection
   */
  readonly kind: 'hang' | 'reset' | 'garbage' | 'truncated'
}

/** What a fake AWS service can do with a request it has received. */
export type AwsAnswer = AwsOk | AwsError | AwsCommonError | AwsOutage
