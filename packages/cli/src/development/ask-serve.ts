import { type IncomingMessage, request } from 'node:http'

import { BodyError, isHttpToken, isOptions, own, readBytes, systemClock } from '@claimgate/core/adapter'

import type { BadToken } from '@claimgate/testing'

import { CannotSay } from '../outcome.ts'
import type { BadTokenList } from './bad-token-list.ts'
import type { Minted } from './dev-issuer.ts'

const TIMEOUT_MS = 10_000

// A list of bad tokens has half a megabyte.
const LIMITS = { most: 8 * 1024 * 1024, seconds: 10, clock: systemClock }

/**
 * Asks the running `serve` on a port of this machine.
 *
 * @throws CannotSay if nothing answers there, something else, or a refusal
 */
export async function askServe(port: number, path: string, body: object = {}): Promise<ServeAnswer> {
  const { status, answer } = await post(port, path, JSON.stringify(body)).catch((error: unknown) => {
    if (error instanceof CannotSay) throw error
    if (error instanceof BodyError) throw notServe(port)
    const refused = own(error as object, 'code') === 'ECONNREFUSED'
    const found = refused ? 'Nothing listens' : 'There is no answer'
    throw new CannotSay(
      `${found} on port ${port} of 127.0.0.1. Start the issuer there in another terminal: claimgate serve --port ${port}`,
    )
  })
  if (status === 200) return answer
  const error = own(answer, 'error')
  throw new CannotSay(`The issuer on port ${port} refuses: ${typeof error === 'string' ? error : `status ${status}`}`)
}

/** What `serve` answers, not yet checked. */
type ServeAnswer = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number | undefined
  readonly answer: ServeAnswer
}

function post(port: number, path: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // No agent, because the global one may be told to use a proxy.
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    asked.on('error', reject)
    // Status 101 is no response to Node.
    asked.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(notServe(port))
    })
    asked.on('response', (response) => {
      textOf(response)
        .then((answer) => resolve({ status: response.statusCode, answer: parsed(answer, port) }))
        .catch(reject)
        .finally(() => response.destroy())
    })
    asked.setHeader('content-type', 'application/json')
    asked.end(body)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks = response[Symbol.asyncIterator]()
  return Buffer.from(await readBytes(() => chunks.next(), LIMITS)).toString()
}

function parsed(answer: string, port: number): ServeAnswer {
  try {
    const value: unknown = JSON.parse(answer)
    if (isOptions(value)) return value as ServeAnswer
  } catch {
    // Answered below.
  }
  throw notServe(port)
}

function notServe(port: number): CannotSay {
  return new CannotSay(`What answers on port ${port} of 127.0.0.1 is not claimgate serve.`)
}

/** The answer of `/token`. @throws CannotSay for any other */
export function readMinted({ token, header, claims }: ServeAnswer, port: number): Minted {
  if (typeof token === 'string' && isOptions(header) && isOptions(claims)) return { token, header, claims } as Minted
  throw notServe(port)
}

/** The answer of `/bad-tokens`: the tokens, and the header that the provider's proxy sends them in. @throws CannotSay for any other */
export function readBadTokens(
  { good, bad, header }: ServeAnswer,
  port: number,
): BadTokenList & { readonly header: string | undefined } {
  if (typeof good !== 'string' || !Array.isArray(bad) || !bad.every(isBadToken)) throw notServe(port)
  if (header !== undefined && !(typeof header === 'string' && isHttpToken(header))) throw notServe(port)
  return { good, bad, header }
}

function isBadToken(value: unknown): value is BadToken {
  if (!isOptions(value)) return false
  const { name, token, requirement } = value as Readonly<Record<string, unknown>>
  return typeof name === 'string' && typeof token === 'string' && Array.isArray(requirement)
}
