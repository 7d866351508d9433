/** A 200 response: the service's own result or a replacement, optionally delayed. */
export interface AwsOk {
  readonly kind: 'ok'
  /** The members of the response, instead of the service's. Byte strings are in base64. @defaultValue the service's own */
  readonly body?: object
  /** Milliseconds to wait before responding. @defaultValue 0 */
  readonly delay?: number
}

/** An AWS error response: `{"__type": …, "message": …}`. */
export interface AwsError {
  readonly kind: 'error'
  /** Such as `DisabledException`. */
  readonly type: string
  /** @defaultValue The type, in a sentence */
  readonly message?: string
  /** From 400 to 599. @defaultValue 400 */
  readonly status?: number
}

/** The two errors that any operation of any service can return. */
export interface AwsCommonError {
  /**
   * - `throttle`: `ThrottlingException`, 400: too many requests
   * - `denied`: `AccessDeniedException`, 400: the caller's policy does not allow it
   */
  readonly kind: 'throttle' | 'denied'
}

/** Not an AWS error: a fault of the network or a proxy. */
export interface AwsOutage {
  /**
   * - `hang`: accepts the request and never responds
   * - `reset`: closes the connection before the first byte of a response
   * - `garbage`: 200 with an HTML page, like a captive portal
   * - `truncated`: 200 with fewer bytes than its content-length, then closes the connection
   */
  readonly kind: 'hang' | 'reset' | 'garbage' | 'truncated'
}

/** The possible reactions of a fake AWS service to a request. */
export type AwsAnswer = AwsOk | AwsError | AwsCommonError | AwsOutage
