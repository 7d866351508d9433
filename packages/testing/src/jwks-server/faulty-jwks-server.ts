import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { callback, isOptions, numberIn, type OptionTable, readOptions } from '@claimgate/core/adapter'
import type { JSONWebKeySet, JWK } from 'jose'

import type { TestCertificate } from '../certificates.ts'
import { answer } from './answer.ts'
import { createScript, type Fault, type FaultyAnswer } from './fault.ts'
import { createTraffic, type TrafficStats } from './traffic.ts'

/** Options for a faulty server. */
export interface FaultyJwksServerOptions {
  /** The initial published set. @defaultValue { keys: [] } */
  readonly jwks?: JSONWebKeySet
  /** The port of 127.0.0.1 to listen on, from 0 to 65535. 0 is a free one. @defaultValue 0 */
  readonly port?: number
  /** Serves https with this certificate: `validCertificate`, `expiredCertificate` or your own. If omitted, http. */
  readonly certificate?: TestCertificate
  /** The time in milliseconds, used as `at` of each request. @defaultValue Date.now */
  readonly now?: () => number
  /**
   * Called first for each request. Return `true` if you answer it yourself, for example as a token endpoint. Such requests are not in
   * `stats()`.
   */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** Controls how a server responds on one path. It overrides the behaviour for all paths. */
export interface PathScript {
  /** All following requests. */
  behave(answer: FaultyAnswer): void
  /** The next requests, one answer each; added behind those that are still waiting. */
  once(...answers: readonly FaultyAnswer[]): void
}

/** A JWK Set server on a real socket of 127.0.0.1 that can simulate faults. It responds on every path. */
export interface FaultyJwksServer {
  /** For example `http://127.0.0.1:49152`, without a trailing slash. */
  readonly origin: string
  /** The origin plus `/jwks.json`. */
  readonly url: string
  readonly port: number
  /** The URL of another path. */
  urlOf(path: string): string
  /** Replaces the published set. */
  publish(jwks: JSONWebKeySet): void
  publish(...keys: readonly JWK[]): void
  /**
   * Sets the behaviour for all following requests. It takes effect at once, except for `refuse` and the first change after it: then
   * the promise resolves when the port is closed (with all connections) or open again.
   */
  behave(fault: Fault): Promise<void>
  /** The next requests, one answer each; added behind those that are still waiting. */
  once(...answers: readonly FaultyAnswer[]): void
  at(path: string): PathScript
  stats(): TrafficStats
  /** Resets the counts. */
  forget(): void
  /** Resolves when this many requests have been received since the start or `forget()`. */
  received(requests: number): Promise<void>
  /** Resolves when no request is in flight. */
  idle(): Promise<void>
  /** Closes all connections and the port. You can call it twice. */
  close(): Promise<void>
}

const ACTION = 'start JWK Set server'

const SERVER: OptionTable<FaultyJwksServerOptions> = {
  jwks: { be: 'a JWK Set, such as { keys: [jwk] }', fits: (value) => isOptions(value) && 'keys' in value },
  certificate: { be: 'an object { cert, key }', fits: (value) => isOptions(value) && 'cert' in value },
  port: numberIn({ least: 0, most: 65_535, whole: true, default: 0 }),
  now: callback,
  intercept: callback,
}

/**
 * Starts a faulty JWK Set server on 127.0.0.1. It responds normally until you tell it otherwise.
 *
 * @throws Error if the port is in use.
 */
export async function startFaultyJwksServer(settings: FaultyJwksServerOptions = {}): Promise<FaultyJwksServer> {
  const options = readOptions(ACTION, settings, SERVER) as FaultyJwksServerOptions
  const { certificate } = options
  const script = createScript()
  const traffic = createTraffic(options.now ?? Date.now)
  const sockets = new Set<Socket>()
  let published: JSONWebKeySet = options.jwks ?? { keys: [] }

  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.intercept?.(request, response) === true) return
    const finished = traffic.received(request, response)
    const fault = script.take(pathOf(request.url ?? '/'))
    // Ignored, because many tests disconnect in the middle of a request.
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

  const port = await listen(server, options.port ?? 0)
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
    const failed = (cause: NodeJS.ErrnoException): void => {
      const advice = 'stop the program that uses it, or choose another "port"'
      const message = `Cannot ${ACTION}: port ${port} of 127.0.0.1 is in use: ${advice}`
      reject(cause.code === 'EADDRINUSE' ? new Error(message, { cause }) : cause)
    }
    server.once('error', failed)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

// A request line may hold anything, such as `//`.
function pathOf(target: string): string {
  return URL.canParse(target, 'http://path') ? new URL(target, 'http://path').pathname : target
}

function isSet(given: JSONWebKeySet | JWK): given is JSONWebKeySet {
  return Array.isArray((given as { keys?: unknown }).keys)
}

/**
 * A URL whose host name never resolves, because `.invalid` is reserved (RFC 6761 section 6.4).
 *
 * @param path @defaultValue '/jwks.json'
 */
export function unresolvable(path: string = '/jwks.json'): string {
  return new URL(path, 'https://claimgate.invalid').href
}
