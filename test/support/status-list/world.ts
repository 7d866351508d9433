import { createVerifier, type Verifier, type SingleIssuerOptions, type VerifierOptions } from '@claimgate/core'
import { statusList, type StatusListOptions } from '@claimgate/core/status-list'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import { accessClaims, AUDIENCE, ISSUER, NOW } from '../core/refusal.ts'

export const keys = await createTestKeys('ES256', { kid: 'key-1' })

/** A list with these statuses, from index 0 on. */
export function packed(bits: 1 | 2 | 4 | 8, statuses: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((statuses.length * bits) / 8))
  for (const [index, status] of statuses.entries()) {
    const at = Math.floor((index * bits) / 8)
    bytes[at] = (bytes[at] ?? 0) | (status << ((index * bits) % 8))
  }
  return bytes
}

export const lstOf = (bytes: Uint8Array): string => deflateSync(bytes).toString('base64url')

/** What a server of status lists does with a request. */
export type Respond = (request: IncomingMessage, response: ServerResponse) => void

/** A server of one status list on 127.0.0.1. */
export interface ListServer extends AsyncDisposable {
  readonly origin: string
  /** The `uri` of the list. */
  readonly uri: string
  /** Requests so far. */
  requests(): number
  /** Signs and publishes a list; changes of `undefined` omit a claim. */
  publish(changes?: Readonly<Record<string, unknown>>, header?: object, signer?: typeof keys): Promise<void>
  respond(respond: Respond): void
}

/** Publishes two bits for each token: 0, 1, 2, 3, 0, 1, 2, 3. */
export async function startListServer(): Promise<ListServer> {
  let requests = 0
  let respond: Respond = (_request, response) => void response.writeHead(404).end()
  const server = createServer((request, response) => {
    requests += 1
    respond(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const uri = `${origin}/lists/1`
  const publish: ListServer['publish'] = async (changes = {}, header = {}, signer = keys) => {
    const status_list = { bits: 2, lst: lstOf(packed(2, [0, 1, 2, 3, 0, 1, 2, 3])) }
    const claims = { iss: ISSUER, sub: uri, iat: NOW, exp: NOW + 86_400, ttl: 60, status_list, ...changes }
    const token = await signer.sign(claims, { typ: 'statuslist+jwt', ...header })
    respond = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end(token)
  }
  await publish()
  return {
    origin,
    uri,
    requests: () => requests,
    publish,
    respond: (given) => {
      respond = given
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** An API that checks status lists, with a clock that stands at `NOW`. */
export function createStatusApi(
  options: Partial<StatusListOptions> = {},
  policy: Partial<SingleIssuerOptions> = {},
): {
  readonly clock: TestClock
  readonly verifier: Verifier
  /** The answer to a token: 200, or code and status. */
  answer(token: string): Promise<string>
} {
  const clock = createTestClock({ wall: NOW * 1000 })
  const checks = [statusList({ hosts: ['127.0.0.1'], clock, ...options })]
  const api = {
    issuer: ISSUER,
    audience: AUDIENCE,
    clock,
    checks,
    ...(policy.jwksUri === undefined && { jwks: { keys: [keys.publicJwk] } }),
    ...policy,
  }
  const verifier = createVerifier(api as VerifierOptions)
  return {
    clock,
    verifier,
    answer: async (token) => {
      try {
        await verifier.verify(token)
        return '200'
      } catch (error) {
        const { status, code } = error as { readonly status: number; readonly code: string }
        return `${status} ${code}`
      }
    },
  }
}

/** An access token that names a list and an index. */
export const statusToken = async (uri: string, idx: unknown, changes: object = {}): Promise<string> =>
  keys.sign(accessClaims({ status: { status_list: { uri, idx } }, exp: NOW + 604_800, ...changes }))
