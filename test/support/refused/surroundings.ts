import { createVerifier } from '@claimgate/core'
import { request as requestH1, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createAuthority } from '../adapters/authority.ts'

export const authority = await createAuthority()
export const GOOD = await authority.authorization()
export const BAD = { authorization: 'Bearer a.b.c' }
export const KEYS_TAKE = 20

export const later = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Slow, like a verifier that fetches keys. */
export const verifier = (() => {
  const verifies = createVerifier(authority.options)
  const verify: typeof verifies.verify = async (...args) => {
    await later(KEYS_TAKE)
    return verifies.verify(...args)
  }
  return { ...verifies, verify }
})()

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export const REQUESTS: readonly Asked[] = [
  {},
  { headers: BAD },
  { headers: BAD, method: 'DELETE' },
  { headers: { ...BAD, 'content-type': 'application/json' }, method: 'POST', body: '{"a":1}' },
]

/** The answers to clients that wait; 0 is an interrupted answer. Others send the same, and disconnect at some time. */
export async function answersOf(server: Server, asked: readonly Asked[] = REQUESTS): Promise<readonly number[]> {
  const { port } = server.address() as AddressInfo
  const send = ({ method = 'GET', path = '/orders', headers = {}, body }: Asked, goesAfter?: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = requestH1({ host: '127.0.0.1', port, method, path, headers, agent: false })
      request.on('response', (response) => {
        text(response).then(
          () => resolve(response.statusCode ?? 0),
          () => resolve(0),
        )
      })
      request.on('error', () => resolve(0))
      request.end(body)
      if (goesAfter === undefined) setTimeout(() => reject(new Error('left waiting')), 3000)
      else
        setTimeout(() => {
          request.destroy()
          resolve(0)
        }, goesAfter)
    })
  const going = asked.flatMap((one) => [1, 10, 25, 40].map((goesAfter) => send(one, goesAfter)))
  const answers = await Promise.all(asked.map((one) => send(one)))
  await Promise.all(going)
  await later(60)
  return answers
}

/** How many requests a handler has served. */
export interface Served {
  count: number
}

export const EXPECTING: readonly Asked[] = [
  { headers: { ...BAD, connection: 'Upgrade', upgrade: 'websocket' } },
  { headers: { ...BAD, expect: '100-continue', 'content-length': '2' }, method: 'POST', body: '{}' },
  { headers: { ...BAD, expect: 'a miracle' } },
  { headers: BAD, method: 'HEAD' },
]
export const EXPECTED: readonly number[] = [401, 401, 417, 401]

export async function leaveInTheMiddle(server: Server, type: string): Promise<void> {
  const { port } = server.address() as AddressInfo
  const head = `POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 500\r\n\r\n`
  await Promise.all(
    [1, 5, 20].map(async (goesAfter) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      socket.write(`${head}{"access_token=`)
      await later(goesAfter)
      socket.resetAndDestroy()
    }),
  )
  await later(60)
}
