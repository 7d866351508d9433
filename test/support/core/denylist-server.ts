import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { DenylistStore } from '@claimgate/core/denylist'

/** A denylist behind a real socket, with configurable behaviour. */
export interface DenylistServer extends AsyncDisposable {
  readonly store: DenylistStore
  /** How it answers from now on: with its entries, with this JSON, not at all, or with a broken connection. */
  behave(behaviour: 'well' | 'hang' | 'reset' | { readonly answer: unknown }): void
  /** The received look-ups. */
  lookUps(): number
}

/** Starts a denylist server on a free port of 127.0.0.1. It keeps entries until it closes. */
export async function startDenylistServer(): Promise<DenylistServer> {
  const entries = new Map<string, number>()
  let behaviour: Parameters<DenylistServer['behave']>[0] = 'well'
  let lookUps = 0

  const find = (keys: readonly string[]): unknown => keys.map((key) => entries.get(key) ?? null)
  const respond = (response: ServerResponse, body: unknown): void => {
    if (behaviour === 'hang') return
    if (behaviour === 'reset') response.socket?.destroy()
    else response.end(JSON.stringify(typeof behaviour === 'object' ? behaviour.answer : body))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as {
        keys?: string[]
        key?: string
        issuedUpTo?: number
      }
      if (asked.keys !== undefined) lookUps += 1
      else if (behaviour === 'well') entries.set(String(asked.key), Number(asked.issuedUpTo))
      respond(response, asked.keys === undefined ? {} : find(asked.keys))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const send = async (body: object): Promise<unknown> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).json()

  return {
    store: {
      find: async (keys) => {
        const answer = await send({ keys })
        // Passed on unchecked, like in a careless store.
        return (
          Array.isArray(answer) && behaviour === 'well' ? answer.map((found: unknown) => found ?? undefined) : answer
        ) as (number | undefined)[]
      },
      add: async (key, entry) => void (await send({ key, ...entry })),
    },
    behave: (next) => {
      behaviour = next
    },
    lookUps: () => lookUps,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
