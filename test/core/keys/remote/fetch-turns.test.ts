import { describe, expect, it } from 'vitest'

import type { FetchLike } from '../../../../packages/core/src/model/runtime.ts'
import { settle } from '../../../support/core/manual-clock.ts'
import {
  takeTurn,
  type FetchTurn,
  type FetchTurnOptions,
} from '../../../../packages/core/src/keys/remote/shared-fetch.ts'

const ORIGIN = 'https://issuer.example'

function setUp(connections = 2) {
  const fetch: FetchLike = Object.assign(async () => new Response(), { connections })
  const begun: string[] = []
  const turns = new Map<string, FetchTurn>()
  const take = (
    name: string,
    { urgency = 'other', origin = ORIGIN, signal = new AbortController().signal }: Partial<FetchTurnOptions> = {},
  ) => {
    const turn = takeTurn({ fetch, origin, urgency, signal })
    turns.set(name, turn)
    if (turn.begins === undefined) begun.push(name)
    else
      void turn.begins.then(
        () => begun.push(name),
        () => begun.push(`not ${name}`),
      )
    return turn
  }
  const end = async (name: string): Promise<void> => {
    turns.get(name)?.release()
    await settle()
  }
  /** Ends running ones, one after the other, until none is left. */
  const drain = async (): Promise<void> => {
    for (let index = 0; index < begun.length; index += 1) await end(begun[index] ?? '')
  }
  return { take, end, drain, begun }
}

describe('turns of an origin', () => {
  it('start immediately, up to the limit', async () => {
    const { take, end, begun } = setUp()
    for (const name of ['a', 'b', 'c']) take(name)
    expect(begun).toEqual(['a', 'b'])
    await end('a')
    expect(begun).toEqual(['a', 'b', 'c'])
    take('d')
    expect(begun).toHaveLength(3)
  })

  it('go to the newest and the oldest in turn', async () => {
    const { take, drain, begun } = setUp(1)
    for (const name of ['first', 'a', 'b', 'c', 'd', 'e']) take(name)
    await drain()
    expect(begun).toEqual(['first', 'e', 'a', 'd', 'b', 'c'])
  })

  it('go to urgent fetches first, and to others every fourth time', async () => {
    const { take, drain, begun } = setUp(1)
    take('first')
    for (const name of ['a', 'b', 'c']) take(name)
    for (const name of ['u', 'v', 'w', 'x', 'y']) take(name, { urgency: 'urgent' })
    await drain()
    expect(begun).toEqual(['first', 'y', 'u', 'x', 'a', 'w', 'v', 'c', 'b'])
  })

  it('are limited to sixteen if the transport has no limit', () => {
    const fetch: FetchLike = async () => new Response()
    const { signal } = new AbortController()
    const turns = Array.from({ length: 17 }, () => takeTurn({ fetch, origin: ORIGIN, urgency: 'other', signal }))
    expect(turns.map(({ begins }) => begins === undefined).lastIndexOf(true)).toBe(15)
    expect(turns[16]?.begins).toBeInstanceOf(Promise)
  })

  it('are counted by origin, and by transport', () => {
    const { take, begun } = setUp(1)
    take('a')
    take('b', { origin: 'https://other.example' })
    const elsewhere = setUp(1)
    elsewhere.take('c')
    expect([...begun, ...elsewhere.begun]).toEqual(['a', 'b', 'c'])
  })

  it('are skipped if no request waits for them any more', async () => {
    const { take, end, begun } = setUp(1)
    const gone = new AbortController()
    take('a')
    take('b', { signal: gone.signal })
    take('c')
    gone.abort(new Error('gone'))
    await end('a')
    expect(begun).toEqual(['a', 'not b', 'c'])
  })

  it('end once, and only if they have started', async () => {
    const { take, end, begun } = setUp(1)
    for (const name of ['a', 'b', 'c']) take(name)
    await end('b')
    await end('a')
    await end('a')
    expect(begun).toEqual(['a', 'c'])
    await end('c')
    await end('b')
    take('d')
    expect(begun).toEqual(['a', 'c', 'b', 'd'])
  })
})
