import type { IncomingMessage, ServerResponse } from 'node:http'

import { BodyError, isOptions, own, readBody, systemClock } from '@claimgate/core/adapter'
import { type Fault, type FaultyAnswer, type FaultyJwksServer, startFaultyJwksServer } from '@claimgate/testing'

import { CannotSay } from '../outcome.ts'
import { createDevIssuer, type DevIssuer } from './dev-issuer.ts'
import { credentialHeader } from './paste.ts'
import { requestFlaw } from './request-guard.ts'
import { type PlanOptions, planTokens, readChanges } from './token-plan.ts'

/** A development issuer on a port of 127.0.0.1. */
export interface DevServer {
  readonly origin: string
  readonly addresses: Readonly<Record<'metadata' | 'jwksUri' | 'tokens' | 'rotate' | 'outage' | 'recover', string>>
  readonly issuer: DevIssuer
  close(): Promise<void>
}

const METADATA = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']
const JWKS = '/.well-known/jwks.json'
const DOCUMENTS = [...METADATA, JWKS]

/** The kinds of outage that `POST /outage` simulates for the metadata and the keys. */
const OUTAGES: Readonly<Record<string, FaultyAnswer>> = {
  unavailable: { kind: 'status', status: 503 },
  hang: { kind: 'hang' },
  reset: { kind: 'reset', at: 'start' },
  html: { kind: 'html' },
  'empty-set': { kind: 'empty-set' },
}

// The test kit remembers every request. This process may run for days.
const FORGET_AFTER = 1000

/** @throws CannotSay if the port cannot be used, or the provider, its settings or the algorithm are wrong */
export async function startDevServer(port: number, options: Omit<PlanOptions, 'issuer'>): Promise<DevServer> {
  let receive: Receive = () => false
  const server = await listen(port, (request, response) => receive(request, response))
  try {
    const issuer = await createDevIssuer(planTokens({ ...options, issuer: server.origin }))
    receive = receiver(server, issuer)
    publish(server, issuer)
    const address = (path: string): string => `${server.origin}${path}`
    const addresses = {
      metadata: address(METADATA[0] ?? ''),
      jwksUri: address(JWKS),
      tokens: address('/token'),
      rotate: address('/rotate'),
      outage: address('/outage'),
      recover: address('/recover'),
    }
    return { origin: server.origin, addresses, issuer, close: () => server.close() }
  } catch (error) {
    await server.close()
    if (error instanceof TypeError || codeOf(error) === 'ERR_JOSE_NOT_SUPPORTED')
      throw new CannotSay((error as Error).message)
    throw error
  }
}

type Receive = (request: IncomingMessage, response: ServerResponse) => boolean

async function listen(port: number, intercept: Receive): Promise<FaultyJwksServer> {
  try {
    return await startFaultyJwksServer({ port, intercept })
  } catch (error) {
    const code = codeOf((error as Error).cause) ?? codeOf(error)
    if (code === 'EADDRINUSE')
      throw new CannotSay(
        `Port ${port} of 127.0.0.1 is in use. Stop the program that uses it, or choose another: --port ${port + 1}`,
      )
    if (typeof code === 'string')
      throw new CannotSay(`Cannot listen on port ${port} of 127.0.0.1: ${code}. Choose another: --port 9000`)
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? own(error, 'code') : undefined
}

function publish(server: FaultyJwksServer, issuer: DevIssuer): void {
  const document = (body: () => unknown): Fault & FaultyAnswer => ({
    kind: 'ok',
    body,
    headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
    etag: 'strong',
  })
  const metadata = document(() => metadataOf(issuer, server.origin))
  for (const path of METADATA) server.at(path).behave(metadata)
  server.at(JWKS).behave(document(() => issuer.jwks()))
}

// The members that RFC 8414 section 2 and OpenID Connect Discovery section 3 require, as far as this issuer has them.
function metadataOf({ plan }: DevIssuer, origin: string): object {
  return {
    issuer: plan.issuer,
    jwks_uri: `${origin}${JWKS}`,
    response_types_supported: ['none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [plan.algorithm],
  }
}

/** What a POST answers, by path. */
type Actions = Readonly<Record<string, (body: unknown) => unknown>>

function receiver(server: FaultyJwksServer, issuer: DevIssuer): Receive {
  const actions: Actions = {
    '/token': (body) => issuer.mint(readChanges(body)),
    '/bad-tokens': async () => ({ ...(await issuer.badTokens()), header: credentialHeader(issuer.plan.provider) }),
    '/rotate': () => issuer.rotate(),
    '/outage': (body) => startOutage(server, body),
    '/recover': () => {
      publish(server, issuer)
      return { outage: null }
    },
  }
  let passed = 0
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const { method = '' } = request
    const action = own<Actions, string>(actions, path)
    const allowed = action === undefined ? ['GET', 'HEAD'] : ['POST']
    const flaw = requestFlaw(request, server.port)
    if (flaw !== undefined) refuse(response, 403, flaw)
    else if (action === undefined && !DOCUMENTS.includes(path)) refuse(response, 404, 'There is nothing here.')
    else if (!allowed.includes(method))
      refuse(response.setHeader('allow', allowed.join(', ')), 405, `Use ${allowed[0]}.`)
    else if (action !== undefined) void act(request, response, action)
    else {
      passed += 1
      if (passed % FORGET_AFTER === 0) server.forget()
      return false
    }
    return true
  }
}

function startOutage(server: FaultyJwksServer, body: unknown): object {
  const kind = own(body as object, 'kind') ?? 'unavailable'
  const answer = typeof kind === 'string' ? own(OUTAGES, kind) : undefined
  if (answer === undefined) throw new TypeError(`"kind" must be one of ${Object.keys(OUTAGES).join(', ')}`)
  for (const path of DOCUMENTS) server.at(path).behave(answer)
  return { outage: kind }
}

async function act(request: IncomingMessage, response: ServerResponse, action: Actions[string]): Promise<void> {
  try {
    const answer = await action(await jsonOf(request))
    send(response, 200, answer)
  } catch (error) {
    if (error instanceof BodyError)
      refuse(response.setHeader('connection', 'close'), STATUSES[error.flaw], `Expected ${error.message}.`)
    else if (error instanceof TypeError || error instanceof SyntaxError) refuse(response, 400, error.message)
    else refuse(response, 500, String(error))
  }
}

const STATUSES = { too_large: 413, too_slow: 408, unreadable: 400 } as const

async function jsonOf(request: IncomingMessage): Promise<object> {
  // Leaving early must not destroy the socket: the answer is still to be sent.
  const iterator = request.iterator({ destroyOnReturn: false }) as AsyncIterator<unknown>
  const text = await readBody(() => iterator.next(), systemClock)
  const value: unknown = text.trim() === '' ? {} : JSON.parse(text)
  if (!isOptions(value)) throw new TypeError('The body must be a JSON object.')
  return value
}

function refuse(response: ServerResponse, status: number, error: string): void {
  send(response, status, { error })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
