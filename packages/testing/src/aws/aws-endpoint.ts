import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** The members of a request, unchecked. Byte strings are in base64. */
export type AwsInput = Readonly<Record<string, unknown>>

/** One operation of a service. An {@link AwsRefusal} it throws becomes an AWS error response; any other error becomes a 500. */
export type AwsOperation = (input: AwsInput) => object | Promise<object>

/** A service that an endpoint serves. */
export interface AwsService {
  /** The part of `X-Amz-Target` before the dot, such as `TrentService`. */
  readonly target: string
  /** The operations by name. Other operations fail with `UnknownOperationException`. */
  readonly operations: Readonly<Record<string, AwsOperation>>
}

/** A request that the endpoint received. */
export interface AwsCall {
  /** For example `Sign`. */
  readonly operation: string
  readonly input: AwsInput
}

/** Controls how an endpoint responds. `once` overrides `behave`; within each, a single operation overrides all operations. */
export interface AwsOperationScript {
  /** All following requests. */
  behave(answer: AwsAnswer): void
  /** The next requests, one behaviour each. Appended to those still pending. */
  once(...answers: readonly AwsAnswer[]): void
}

/** A fake AWS service on a real socket of 127.0.0.1 that can simulate faults. */
export interface AwsEndpoint extends AwsOperationScript {
  /** The `endpoint` for an SDK client, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string
  /** Controls one operation only. */
  at(operation: string): AwsOperationScript
  /** The number of requests received since the start or `forget()`: all, or those for one operation. */
  requests(operation?: string): number
  /** A copy of the requests, oldest first. */
  calls(): readonly AwsCall[]
  /** Resets the counts and the requests. */
  forget(): void
  /** Closes all connections and the port. You can call it twice. */
  close(): Promise<void>
}

/**
 * Serves a service over the AWS JSON 1.1 protocol on 127.0.0.1 and a free port. It responds normally until you tell it otherwise.
 * Requests must be signed, but the signature is not checked.
 */
export const startAwsEndpoint = async ({ target, operations }: AwsService): Promise<AwsEndpoint> => {
  const script = createAwsScript()
  let calls: AwsCall[] = []

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const operation = operationOf(request, target)
    const input = parse(body)
    calls.push({ operation: operation ?? '', input: input ?? {} })
    const answer = script.take(operation ?? '')
    const outage = await beforehand(answer, response)
    if (outage === 'answered') return
    try {
      assertSigned(request)
      if (input === undefined) throw new AwsRefusal('SerializationException', 'The body is not a JSON object.')
      const run = operation === undefined ? undefined : ownMember(operations, operation)
      if (run === undefined) throw new AwsRefusal('UnknownOperationException', 'There is no such operation.')
      send(response, 200, JSON.stringify(await run(input)))
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error
      sendError(response, error)
    }
  }

  const server = createServer((request, response) => {
    receive(request, response).catch(() => {
      // Many tests disconnect in the middle of a request; then no client receives this.
      sendError(response, new AwsRefusal('InternalFailure', 'The fake has failed.', 500))
    })
  })
  server.on('connection', (socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return Object.freeze({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave: (answer: AwsAnswer) => script.behave(answer),
    once: (...answers: readonly AwsAnswer[]) => script.once(answers),
    at: (operation: string) => ({
      behave: (answer: AwsAnswer) => script.behave(answer, operation),
      once: (...answers: readonly AwsAnswer[]) => script.once(answers, operation),
    }),
    requests: (operation?: string) =>
      operation === undefined ? calls.length : calls.filter((call) => call.operation === operation).length,
    calls: () => [...calls],
    forget: () => {
      calls = []
    },
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const operationOf = ({ headers }: IncomingMessage, target: string): string | undefined => {
  const [service, operation] = String(headers['x-amz-target'] ?? '').split('.')
  return service === target ? operation : undefined
}

const parse = (body: string): AwsInput | undefined => {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined
  } catch {
    return undefined
  }
}

/** Applies the delay or fault that comes before, or replaces, the service's own response. */
const beforehand = async (answer: AwsAnswer, response: ServerResponse): Promise<'answered' | 'open'> => {
  switch (answer.kind) {
    case 'ok':
      if (answer.delay !== undefined) await wait(answer.delay, undefined, { ref: false })
      if (answer.body === undefined) return 'open'
      send(response, 200, JSON.stringify(answer.body))
      return 'answered'
    case 'error':
      sendError(response, new AwsRefusal(answer.type, answer.message ?? `${answer.type}.`, answer.status))
      return 'answered'
    case 'throttle':
      sendError(response, new AwsRefusal('ThrottlingException', 'Rate exceeded'))
      return 'answered'
    case 'denied':
      sendError(response, new AwsRefusal('AccessDeniedException', 'The caller is not authorized to do this.'))
      return 'answered'
    case 'hang':
      return 'answered'
    case 'reset':
      response.socket?.resetAndDestroy()
      return 'answered'
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
      return 'answered'
    case 'truncated':
      response.writeHead(200, { ...JSON_TYPE, 'content-length': 1000 })
      response.write('{"KeyId":')
      response.socket?.end()
      return 'answered'
  }
}

const assertSigned = ({ headers }: IncomingMessage): void => {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) return
  throw new AwsRefusal('MissingAuthenticationTokenException', 'Missing Authentication Token')
}

const ownMember = <T>(members: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(members, name) ? members[name] : undefined

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' }

const send = (response: ServerResponse, status: number, body: string): void => {
  if (response.headersSent) return
  response.writeHead(status, { ...JSON_TYPE, 'x-amzn-requestid': randomUUID() }).end(body)
}

const sendError = (response: ServerResponse, { type, message, status }: AwsRefusal): void =>
  send(response, status, JSON.stringify({ __type: type, message }))

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

/** The planned behaviour of an endpoint. `once` overrides `behave`; within each, a single operation overrides all operations. */
interface AwsScript {
  behave(answer: AwsAnswer, operation?: string): void
  once(answers: readonly AwsAnswer[], operation?: string): void
  /** Takes the behaviour for the next request to an operation. */
  take(operation: string): AwsAnswer
}

/** Creates a script that lets the service respond normally until you tell it otherwise. */
const createAwsScript = (): AwsScript => {
  const everywhere: Lines = { always: undefined, next: [] }
  const perOperation = new Map<string, Lines>()
  const linesOf = (operation: string | undefined): Lines => {
    if (operation === undefined) return everywhere
    const known = perOperation.get(operation) ?? { always: undefined, next: [] }
    perOperation.set(operation, known)
    return known
  }

  return {
    behave: (answer, operation) => {
      linesOf(operation).always = answer
    },
    once: (answers, operation) => void linesOf(operation).next.push(...answers),
    take: (operation) => {
      const own = perOperation.get(operation)
      return own?.next.shift() ?? everywhere.next.shift() ?? own?.always ?? everywhere.always ?? { kind: 'ok' }
    },
  }
}

interface Lines {
  always: AwsAnswer | undefined
  readonly next: AwsAnswer[]
}
