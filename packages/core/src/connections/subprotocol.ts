import { AuthError, isHttpToken, misconfigured, type RequestView } from '../adapter.ts'

/**
 * Reads the token from `Sec-WebSocket-Protocol` (RFC 6455 section 1.9), because browsers cannot set any other field of a WebSocket handshake:
 * `extractToken: subprotocolToken('bearer')` and, in the browser, `new WebSocket(url, ['orders.v1', 'bearer.' + token])`. The server must select the
 * other subprotocol, and never send the token back. Two tokens are refused with status 400.
 *
 * @param prefix - what precedes the token and a dot
 * @throws TypeError for a prefix that no subprotocol can have
 */
export function subprotocolToken(prefix: string): (view: RequestView) => string | undefined {
  if (typeof prefix !== 'string' || !isHttpToken(prefix))
    throw misconfigured('read subprotocol', 'give the prefix of the token, such as "bearer"', prefix)
  return (view) => {
    const offered = (view.header('sec-websocket-protocol') as readonly unknown[]).flatMap((field) =>
      String(field).split(','),
    )
    const [token, ...more] = offered
      .map((name) => name.trim())
      .filter((name) => name.startsWith(`${prefix}.`))
      .map((name) => name.slice(prefix.length + 1))
    if (more.length === 0) return token
    throw new AuthError('credential_repeated', { expected: 'one token', actual: `${more.length + 1} subprotocols` })
  }
}
