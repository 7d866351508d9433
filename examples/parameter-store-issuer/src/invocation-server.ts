import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TokenFunction } from './token-function.ts'

/** A running server. */
export interface RunningServer {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  close(): Promise<void>
}

const INVOCATIONS = '/2015-03-31/functions/function/invocations'
const LONGEST_EVENT = 65_536

/**
 * Invokes a function over HTTP like Lambda's local runtime: post an event to the invocation URL. The response is the function's result,
 * or its error with the header `X-Amz-Function-Error`. `GET /public-key` returns the public key.
 */
export const startInvocationServer = async (tokens: TokenFunction, port: number): Promise<RunningServer> => {
  const server = createServer((request, response) => {
    answer(tokens, request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const answer = async (tokens: TokenFunction, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /public-key') {
    response.setHeader('content-type', 'text/plain')
    response.end(await tokens.publicKey())
    return
  }
  if (route !== `POST ${INVOCATIONS}`) return sendJson(response, 404, { message: 'Not found' })
  const event = await eventOf(request)
  if (event === undefined) return sendJson(response, 400, { message: 'The event must be JSON of up to 64 KB' })
  try {
    sendJson(response, 200, await tokens.handler(event.value as Parameters<TokenFunction['handler']>[0]))
  } catch (error) {
    response.setHeader('x-amz-function-error', 'Unhandled')
    sendJson(response, 200, {
      errorType: error instanceof Error ? error.name : 'Error',
      errorMessage: error instanceof Error ? error.message : 'unknown',
    })
  }
}

const eventOf = async (request: IncomingMessage): Promise<{ readonly value: unknown } | undefined> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += (chunk as Buffer).length
    if (length > LONGEST_EVENT) return undefined
    chunks.push(chunk as Buffer)
  }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown }
  } catch {
    return undefined
  }
}

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
