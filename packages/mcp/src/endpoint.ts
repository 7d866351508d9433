import type { ProtectedResource, RequestView } from '@claimgate/core'
import { withoutOrigin } from '@claimgate/core/adapter'
import type { Gate } from './gate.ts'

/** An MCP endpoint, for the code of each framework. */
export interface Endpoint {
  readonly gate: Gate
  readonly resource: ProtectedResource
  /** The path at which the application receives requests for the endpoint. */
  readonly path: string
}

/** Whether a request is for the endpoint. Compared exactly: a handler runs only for such requests, so another spelling reaches nothing. */
export function isForEndpoint({ path }: Endpoint, { target }: Pick<RequestView, 'target'>): boolean {
  const [received = ''] = withoutOrigin(target).split(/[?#]/, 1)
  return (received === '' ? '/' : received) === path
}

/** Whether a request declares a body (RFC 9112 section 6). */
export function declaresBody(view: Pick<RequestView, 'header'>): boolean {
  return view.header('transfer-encoding').length > 0 || view.header('content-length').some((length) => length !== '0')
}
