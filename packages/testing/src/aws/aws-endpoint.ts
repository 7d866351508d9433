import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

import type { AwsAnswer } from './aws-fault.ts'
import { AwsRefusal } from './aws-refusal.ts'
import { createAwsScript } from './aws-script.ts'

/** The members of a request, unchecked. Byte strings are in base64. */
export type AwsInput = Readonly<Record<string, unknown>>

/** One operation of a service. What it throws as {@link AwsRefusal} is answered as AWS would; all else is a 500. */
export type AwsOperation = (input: AwsInput) => object | Promise<object>

/** A service to put behind an endpoint. */
export interface AwsService {
  /** What comes before the dot in `X-Amz-Target`, such as `TrentService`. */
  readonly target: string
  /** The operations by name. Those that are missing answer `UnknownOperationException`. */
  readonly operations: Readonly<Record<string, AwsOperation>>
}

/** A request as the endpoint saw it. */
export interface AwsCall {
  /** Such as `Sign`. */
  readonly operation: string
  readonly input: AwsInput
}

/** Tells an endpoint how to answer. What is ordered `once` comes before `behave`; within each, one operation before all. */
export interface AwsOperationScript {
  /** All following requests. */
  behave(answer: AwsAnswer): void
  /** The next requests, one answer each; added behind those that are still waiting. */
  once(...answers: readonly AwsAnswer[]): void
}

/** A fake AWS service on a real socket of 127.0.0.1, with faults to order. */
export interface AwsEndpoint extends AwsOperationScript {
  /** For `endpoint` of an SDK client, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string
  /** What is said for one operation alone. */
  at(operation: string): AwsOperationScript
  /** How many requests were received since the start or `forget()`: all, or those for one operation. */
  requests(operation?: string): number
  /** The requests themselves, the oldest first. A copy. */
  calls(): readonly AwsCall[]
  /** Starts counting from zero. */
  forget(): void
  /** Cuts all connections and closes the port. May be called twice. */
  close(): Promise<void>
}

/**
 * Puts a service behind an HTTP endpoint that speaks the AWS JSON 1.1 protocol on 127.0.0.1 and a free port. It answers
 * well until told otherwise. It asks for a signed request and does not check the signature.
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
      // A client that goes away in the middle is what many tests are about: then nobody reads this.
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

/** Carries out what comes before, or in place of, the service's own answer. */
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
