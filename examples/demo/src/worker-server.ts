import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Bindings, Worker } from '@claimgate-examples/cloudflare-worker/worker'

/** A Node server that runs a worker like its own runtime. */
export interface WorkerServer {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** Replaces the isolate with a new one that has only its bindings. */
  startCold(): void
  /** Waits for background work, then stops listening and closes every connection. */
  close(): Promise<void>
}

/** Serves the workers that `create` returns, one at a time, on a free port of 127.0.0.1. */
export async function serveWorker(create: () => Worker, env: Bindings): Promise<WorkerServer> {
  let worker = create()
  const background = new Set<Promise<unknown>>()
  const waitUntil = (promise: Promise<unknown>): void => {
    const end = (): void => {
      background.delete(promise)
    }
    background.add(promise)
    promise.then(end, end)
  }
  const server = createServer((incoming, outgoing) => {
    worker.fetch(requestFrom(incoming), env, { waitUntil }).then(
      async (response) => send(response, outgoing),
      (error: unknown) => {
        console.error('worker:', error)
        outgoing.writeHead(500).end()
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    startCold: () => {
      worker = create()
    },
    close: async () => {
      await Promise.allSettled(background)
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function requestFrom(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/', rawHeaders } = incoming
  const headers = new Headers()
  // Raw headers, because Node drops repetitions of some fields.
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  const body = method === 'GET' || method === 'HEAD' ? null : Readable.toWeb(incoming)
  return new Request(new URL(url, 'http://127.0.0.1'), { method, headers, body, duplex: 'half' })
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat())
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}
