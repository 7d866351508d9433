// The code that every runtime runs unchanged: only Web APIs, and the built packages by name.
import {
  AuthError,
  createVerifier,
  type RequestView,
  scope,
  verify,
  type Verifier,
  type VerifierOptions,
} from '@claimgate/core'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { clientSecretBasic, createIntrospectionVerifier, fresh } from '@claimgate/core/introspection'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { mtls } from '@claimgate/core/mtls'
import { createGate, protect, withFields } from '@claimgate/fetch'
import { authenticateJwt, requireScope } from '@claimgate/hono'
import { mcpResource, type McpResourceOptions } from '@claimgate/mcp'

import { Hono } from 'hono'

import type {
  Answers,
  Command,
  DecryptCommand,
  FeatureAnswer,
  FeaturesCommand,
  FormAnswer,
  FormsCommand,
  HonoCommand,
  McpCommand,
  OpenCommand,
  TokenAnswer,
  TransportCommand,
} from './command.ts'
import { revoke } from './revocation.ts'

interface Opened {
  readonly options: VerifierOptions
  readonly verifier: Verifier
  readonly resource: (request: Request) => Promise<Response>
  offset: number
}

const opened = new Map<string, Opened>()

// Workers create verifiers while a module is loaded, when a runtime may forbid timers, randomness and I/O.
const madeWhileLoading = createVerifier({ issuer: 'https://issuer.invalid', audience: 'unused' })

/** Answers an HTTP request: a command, or one for the protected resource `/protected/<name>`. */
export async function respond(request: Request): Promise<Response> {
  try {
    const [, name] = /^\/protected\/(.+)$/.exec(new URL(request.url).pathname) ?? []
    if (name !== undefined) return await named(name).resource(request)
    return Response.json(await obey((await request.json()) as Command))
  } catch (error) {
    return new Response(error instanceof Error ? (error.stack ?? error.message) : String(error), { status: 500 })
  }
}

async function obey(command: Command): Promise<Answers[Command['do']]> {
  switch (command.do) {
    case 'algorithms':
      return tryAlgorithms(command.algorithms)
    case 'open':
      return open(command)
    case 'advance':
      named(command.name).offset += command.seconds * 1000
      return 'ok'
    case 'begin':
      void answer(() => named(command.name).verifier.verify(command.token))
      return 'ok'
    case 'verify': {
      const { options, verifier } = named(command.name)
      const verifyOne =
        command.by === 'verifier'
          ? (token: string) => verifier.verify(token)
          : (token: string) => verify(token, options)
      return answers(command.tokens, verifyOne)
    }
    case 'first-verifier':
      return answer(() => madeWhileLoading.verify(command.token))
    case 'transport':
      return findTransport(command)
    case 'decrypt':
      return decrypt(command)
    case 'forms':
      return sendForms(command)
    case 'mcp':
      return sendMessages(command)
    case 'hono':
      return sendToHono(command)
    case 'features':
      return sendFeatures(command)
    case 'revocation':
      return revoke(command)
  }
}

async function sendForms({ options, token }: FormsCommand): Promise<Answers['forms']> {
  const gate = createGate({ ...options, credentials: [{ from: 'form' }] })
  const chunk = new Uint8Array(1024).fill(97)
  const pulled = (count: number): ReadableStream => {
    let left = count
    return new ReadableStream({
      pull: (controller) => {
        if (left-- > 0) controller.enqueue(chunk)
        else controller.close()
      },
    })
  }
  const send = async (body: string | ReadableStream, then?: 'read'): Promise<FormAnswer> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
    const request = new Request('https://api.example/', init)
    const auth = await gate(request)
    const status = auth instanceof Response ? auth.status : 200
    return then === 'read' ? { status, left: (await request.arrayBuffer()).byteLength } : { status }
  }
  return {
    fits: await send(`note=x&access_token=${token}`, 'read'),
    'without a token': await send('note=x', 'read'),
    'too large': await send('x'.repeat(70_000), 'read'),
    'too many fields': await send('x&'.repeat(1000), 'read'),
    'a stream too large': await send(pulled(200), 'read'),
    'a stream without an end': await send(pulled(Number.POSITIVE_INFINITY)),
    'a stream that fails': await send(new ReadableStream({ pull: () => Promise.reject(new Error('broken')) })),
    'a stream that stops': await inAHurry(() => send(new ReadableStream({ pull: () => new Promise(() => {}) }))),
  }
}

async function sendMessages({ options, token }: McpCommand): Promise<Answers['mcp']> {
  const resource = 'https://api.example/mcp'
  const given = { ...options, audience: [resource, 'https://api.example'], issuer: String(options.issuer) }
  const tools = { purge: scope('admin') }
  const mcp = mcpResource({ ...given, resource, scopes: ['orders:read'], tools } as McpResourceOptions)
  const serve = mcp.fetch(async (request, { parsedBody }) =>
    Response.json([await request.text(), (parsedBody as { readonly id?: unknown }).id]),
  )
  const call = (name: string): string =>
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${name}","arguments":{"text":"é"}}}`
  const send = async (body: string | ReadableStream, authorization = `Bearer ${token}`): Promise<[number, string]> => {
    const headers = { authorization, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
    const response = await serve(new Request(resource, init))
    const text = await response.text()
    return [response.status, response.status === 200 ? text : '']
  }
  const metadata = await serve(new Request('https://api.example/.well-known/oauth-protected-resource/mcp'))
  const chunk = new Uint8Array(65_536).fill(32)
  return {
    call: await send(call('echo')),
    'a call in a stream': await send(new Blob([call('echo')]).stream()),
    'a call of another tool': await send(call('purge')),
    'a call without a token': await send(call('echo'), 'Basic abc'),
    'a batch': await send(`[${call('echo')}]`),
    'a member twice': await send('{"id":1,"id":2,"method":"a"}'),
    'a stream without an end': await send(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) })),
    'a stream that stops': await inAHurry(() => send(new ReadableStream({ pull: () => new Promise(() => {}) }))),
    metadata: [metadata.status, ((await metadata.json()) as { readonly resource: string }).resource],
  }
}

async function sendToHono({ options, token }: HonoCommand): Promise<Answers['hono']> {
  const app = new Hono()
    .use(authenticateJwt(options as Parameters<typeof authenticateJwt>[0]))
    .get('/', (c) => c.text(c.get('auth')?.claims.sub ?? ''))
    .post(requireScope('orders:write'), (c) => c.text('written'))
  const send = async (method: string, authorization?: string): Promise<[number, string]> => {
    const headers = authorization === undefined ? {} : { authorization }
    const response = await app.fetch(new Request('https://api.example/', { method, headers }))
    return [response.status, response.headers.get('www-authenticate') ?? (await response.text())]
  }
  return {
    'a good token': await send('GET', `Bearer ${token}`),
    'no token': await send('GET'),
    'a token without the scope': await send('POST', `Bearer ${token}`),
    'two tokens': await send('GET', `Bearer ${token}, Bearer ${token}`),
  }
}

/** The origin of the API in DPoP proofs. */
const ORIGIN = 'https://api.example'
const gates = new Map<string, ReturnType<typeof createGate>>()

function featureGate(options: VerifierOptions): ReturnType<typeof createGate> {
  const { issuer, audience } = options as { readonly issuer: string; readonly audience: string }
  const verifier = createIntrospectionVerifier({
    issuer,
    audience,
    client: clientSecretBasic('api', 'secret'),
    jwts: createVerifier(options),
    timeout: 10,
  })
  const nonces = { secret: 'a secret of the servers, long enough' }
  const trust = (view: RequestView): boolean => view.header('x-proxy-secret').join() === 'of the proxy'
  const bindings = [
    dpop({ origin: ORIGIN, replay: createMemoryReplayStore(), nonces }),
    mtls({ from: 'header', name: 'client-cert', format: 'rfc9440', trust }),
  ]
  return createGate({ verifier, bindings })
}

async function sendFeatures({ options, requests }: FeaturesCommand): Promise<Answers['features']> {
  const name = JSON.stringify(options)
  const gate = gates.get(name) ?? featureGate(options)
  gates.set(name, gate)
  const given: FeatureAnswer[] = []
  for (const { path, headers } of requests) {
    const request = new Request(`${ORIGIN}${path}`, { headers })
    const auth = await gate(request, path === '/payments' ? fresh() : scope('orders:read'))
    const response = auth instanceof Response ? auth : withFields(request, new Response('ok'))
    const [, error] = /error="(\w+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? []
    given.push({ status: response.status, error, nonce: response.headers.get('dpop-nonce') ?? undefined })
  }
  return given
}

/** Runs an action with timers that fire after a hundredth of their time. */
async function inAHurry<T>(run: () => Promise<T>): Promise<T> {
  const { setTimeout } = globalThis
  const hurried = (callback: () => void, milliseconds = 0): unknown => setTimeout(callback, milliseconds / 100)
  globalThis.setTimeout = hurried as unknown as typeof setTimeout
  try {
    return await run()
  } finally {
    globalThis.setTimeout = setTimeout
  }
}

async function decrypt({ options, keys, tokens }: DecryptCommand): Promise<Answers['decrypt']> {
  const decryption = { keys: decryptionKeys(keys) }
  const nested = createNestedVerifier({ verifier: createVerifier(options), decryption, accept: 'either' })
  await nested.ready()
  return answers(tokens, (token) => nested.verify(token))
}

function tryAlgorithms(algorithms: readonly string[]): Answers['algorithms'] {
  const attempts = algorithms.map((algorithm) => {
    try {
      createVerifier({
        issuer: 'https://issuer.invalid',
        audience: 'unused',
        algorithms: [algorithm as 'RS256'],
      }).close()
      return [algorithm, 'ok'] as const
    } catch (error) {
      return [algorithm, String(error)] as const
    }
  })
  return Object.fromEntries(attempts)
}

function open({ name, options, clock, fetch }: OpenCommand): 'ok' {
  const complete: VerifierOptions = {
    ...options,
    ...(fetch === 'global' && { fetch: globalThis.fetch }),
    ...(clock === 'moved' && {
      clock: { now: () => Date.now() + offsetOf(name), monotonic: () => performance.now() + offsetOf(name) },
    }),
  }
  opened.get(name)?.verifier.close()
  const verifier = createVerifier(complete)
  const resource = protect(
    verifier,
    (_request, auth) => Response.json({ caller: auth.claims.sub }),
    scope('orders:read'),
  )
  opened.set(name, { options: complete, verifier, resource, offset: 0 })
  return 'ok'
}

function offsetOf(name: string): number {
  return opened.get(name)?.offset ?? 0
}

function named(name: string): Opened {
  const found = opened.get(name)
  if (found === undefined) throw new Error(`Nothing was opened as ${name}`)
  return found
}

async function answers(
  tokens: readonly string[],
  verifyOne: (token: string) => ReturnType<Verifier['verify']>,
): Promise<readonly TokenAnswer[]> {
  const given: TokenAnswer[] = []
  // In order, so that the effect of one token is known before the next.
  for (const token of tokens) given.push(await answer(() => verifyOne(token)))
  return given
}

async function answer(verifyOne: () => ReturnType<Verifier['verify']>): Promise<TokenAnswer> {
  try {
    const { header, claims, scopes } = await verifyOne()
    return {
      status: 200,
      alg: header?.alg ?? 'none',
      scopes: [...scopes],
      ...(claims.sub !== undefined && { sub: claims.sub }),
    }
  } catch (error) {
    if (error instanceof AuthError) return { status: error.status, code: error.code }
    return { status: 500, code: String(error) }
  }
}

async function findTransport({ options, token }: TransportCommand): Promise<Answers['transport']> {
  const { fetch } = globalThis
  let through: Answers['transport']['through'] = 'something else'
  globalThis.fetch = (...parameters: Parameters<typeof fetch>) => {
    through = 'global fetch'
    return fetch(...parameters)
  }
  try {
    const verifier = createVerifier(options)
    return { answer: await answer(() => verifier.verify(token)), through }
  } finally {
    globalThis.fetch = fetch
  }
}
