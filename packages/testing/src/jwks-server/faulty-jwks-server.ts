import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

import { assertKnownOptions, callback, checkOptions, isOptions, type OptionRules } from '@claimgate/core/extend'
import type { JSONWebKeySet, JWK } from 'jose'

import type { TestCertificate } from '../fixtures/test-certificate.ts'
import { answer } from './answer.ts'
import type { Fault, FaultyAnswer } from './fault.ts'
import { createScript } from './script.ts'
import { createTraffic, type TrafficStats } from './traffic.ts'

/** How to start a faulty server. */
export interface FaultyJwksServerOptions {
  /** Published from the start. @defaultValue { keys: [] } */
  readonly jwks?: JSONWebKeySet
  /** Speaks https with this certificate: `validCertificate`, `expiredCertificate` or one of your own. Without it, http. */
  readonly certificate?: TestCertificate
  /** Milliseconds, for the `at` of each request. @defaultValue Date.now */
  readonly now?: () => number
}

/** Tells a server how to answer one path. Comes before what is said for all paths. */
export interface PathScript {
  /** All following requests. */
  behave(answer: FaultyAnswer): void
  /** The next requests, one answer each; added behind those that are still waiting. */
  once(...answers: readonly FaultyAnswer[]): void
}

/** A JWK Set server on a real socket of 127.0.0.1 that misbehaves on request. It answers every path. */
export interface FaultyJwksServer {
  /** Such as `http://127.0.0.1:49152`, without a slash at the end. */
  readonly origin: string
  /** The origin and `/jwks.json`. */
  readonly url: string
  readonly port: number
  /** The address of another path. */
  urlOf(path: string): string
  /** Replaces the published set. */
  publish(jwks: JSONWebKeySet): void
  publish(...keys: readonly JWK[]): void
  /**
   * What happens with all following requests. Takes effect at once, but for `refuse` and the first change after it:
   * then the promise settles when the port is closed (and all connections are cut) or open again.
   */
  behave(fault: Fault): Promise<void>
  /** The next requests, one answer each; added behind those that are still waiting. */
  once(...answers: readonly FaultyAnswer[]): void
  at(path: string): PathScript
  stats(): TrafficStats
  /** Starts counting from zero. */
  forget(): void
  /** Settles when so many requests have been received since the start or `forget()`. */
  received(requests: number): Promise<void>
  /** Settles when no request is in flight. */
  idle(): Promise<void>
  /** Cuts all connections and closes the port. May be called twice. */
  close(): Promise<void>
}

const ACTION = 'start JWK Set server'
const RULES: OptionRules = {
  jwks: { be: 'a JWK Set, such as { keys: [jwk] }', fits: (value) => isOptions(value) && 'keys' in value },
  certificate: { be: 'an object { cert, key }', fits: (value) => isOptions(value) && 'cert' in value },
  now: callback,
}

/** Starts a JWK Set server with faults to order, on 127.0.0.1 and a free port. It answers well until told otherwise. */
export async function startFaultyJwksServer(options: FaultyJwksServerOptions = {}): Promise<FaultyJwksServer> {
  assertKnownOptions(ACTION, options, Object.keys(RULES))
  checkOptions(ACTION, options, RULES)
  const { certificate } = options
  const script = createScript()
  const traffic = createTraffic(options.now ?? Date.now)
  const sockets = new Set<Socket>()
  let published: JSONWebKeySet = options.jwks ?? { keys: [] }

  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const finished = traffic.received(request, response)
    const fault = script.take(new URL(request.url ?? '/', 'http://path').pathname)
    // A client that goes away in the middle is what many tests are about: nothing to report.
    answer({ request, response, socket: request.socket, published, finished }, fault).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  }
  const server: Server =
    certificate === undefined ? createHttpServer(receive) : createHttpsServer({ ...certificate }, receive)
  server.on('connection', (socket: Socket) => {
    traffic.connected()
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => {}))

  const port = await listen(server, 0)
  const origin = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const urlOf = (path: string): string => new URL(path, origin).href

  const shut = (): Promise<void> => {
    traffic.abandonAll()
    const closed = server.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : Promise.resolve()
    for (const socket of sockets) socket.destroy()
    return closed
  }

  return {
    origin,
    url: urlOf('/jwks.json'),
    port,
    urlOf,
    publish: (...given: readonly (JSONWebKeySet | JWK)[]) => {
      const [first] = given
      published = first !== undefined && isSet(first) ? first : { keys: given as readonly JWK[] as JWK[] }
    },
    behave: async (fault) => {
      if (fault.kind === 'refuse') return shut()
      script.behave(fault)
      if (!server.listening) await listen(server, port)
    },
    once: (...answers) => script.once(answers),
    at: (path) => ({
      behave: (fault) => script.behave(fault, path),
      once: (...answers) => script.once(answers, path),
    }),
    stats: traffic.stats,
    forget: traffic.forget,
    received: traffic.reached,
    idle: traffic.idle,
    close: shut,
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function isSet(given: JSONWebKeySet | JWK): given is JSONWebKeySet {
  return Array.isArray((given as { keys?: unknown }).keys)
}
