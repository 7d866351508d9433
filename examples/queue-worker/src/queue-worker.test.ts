import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, type Verifier } from '@claimgate/core'
import { createIssuer, type Issuer } from '@claimgate/issuer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryQueue, createQueueWorker, type MemoryQueue, type QueueWorker } from './index.ts'

const MAX_LAG = 3600
const TOKEN_LIFE = 300

// Wall and monotonic time advance together, only when a test advances them.
let offset = 0
const clock = { now: () => 1_800_000_000_000 + offset, monotonic: () => offset }
const pass = (seconds: number): void => {
  offset += seconds * 1000
}

const keysServer = createServer((_request, response) => {
  if (keys === 'down') {
    response.writeHead(500).end()
    return
  }
  const { status, headers, body } = issuer.jwksResponse()
  response.writeHead(status, headers).end(body)
})
let keys: 'up' | 'down' = 'up'
let issuer: Issuer
let verifier: Verifier
let queue: MemoryQueue<string>
let worker: QueueWorker
let carriedOut: string[] = []

beforeEach(async () => {
  keys = 'up'
  carriedOut = []
  keysServer.listen(0, '127.0.0.1')
  await once(keysServer, 'listening')
  const url = `http://127.0.0.1:${(keysServer.address() as AddressInfo).port}`
  issuer = await createIssuer({ issuer: url, audience: 'orders-api', ttl: TOKEN_LIFE, clock })
  verifier = createVerifier({ issuer: url, audience: 'orders-api', jwksUri: `${url}/jwks.json`, clock })
  queue = createMemoryQueue(clock)
  worker = createQueueWorker({
    verifier,
    queue,
    maxLag: MAX_LAG,
    scope: 'orders:write',
    carryOut: async (order, { claims }) => {
      if (order === 'a bug') throw new Error('a bug')
      carriedOut.push(`${order} for ${claims.sub}`)
    },
  })
})

afterEach(async () => {
  verifier.close()
  const closed = once(keysServer, 'close')
  keysServer.close()
  keysServer.closeAllConnections()
  await closed
})

const issue = async (scope = 'orders:read orders:write'): Promise<string> =>
  issuer.issue({ sub: 'ada', client_id: 'demo-client', scope })

describe('a job whose token was valid when it was enqueued', () => {
  it('is carried out', async () => {
    const { id } = queue.enqueue(await issue(), 'tea')
    expect(await worker.next()).toEqual({ kind: 'done', id })
    expect(carriedOut).toEqual(['tea for ada'])
    expect(await worker.next()).toEqual({ kind: 'idle' })
  })

  it('is carried out even if the token expired while it waited', async () => {
    const token = await issue()
    const { id } = queue.enqueue(token, 'tea')
    pass(TOKEN_LIFE + 60)
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_expired' })
    expect(await worker.next()).toEqual({ kind: 'done', id })
  })

  it.each([
    [MAX_LAG, 'done', 0],
    [MAX_LAG + 1, 'set aside', 1],
  ])('and that waited %d s is %s', async (lag, kind, deadLetters) => {
    queue.enqueue(await issue(), 'tea')
    pass(lag)
    expect(await worker.next()).toMatchObject({ kind })
    expect(queue.deadLetters().map(({ code }) => code)).toEqual(Array(deadLetters).fill('verification_time'))
    expect(carriedOut).toHaveLength(1 - deadLetters)
  })
})

describe('a job whose token is rejected', () => {
  it('is set aside if the token had expired before', async () => {
    const token = await issue()
    pass(TOKEN_LIFE + 60)
    const { id } = queue.enqueue(token, 'tea')
    expect(await worker.next()).toMatchObject({ kind: 'set aside', id, error: { code: 'token_expired', status: 401 } })
    expect(queue.deadLetters()).toMatchObject([{ job: { id }, code: 'token_expired' }])
    expect(queue.waiting()).toEqual([])
    expect(carriedOut).toEqual([])
  })

  it('is set aside if its timestamp is in the future', async () => {
    await queue.retry({ id: 'stray', token: await issue(), enqueuedAt: clock.now() / 1000 + 60, order: 'tea' }, 0)
    expect(await worker.next()).toMatchObject({ kind: 'set aside', id: 'stray', error: { code: 'verification_time' } })
  })

  it.each([
    ['is for another API', async () => issuer.issue({ sub: 'ada' }, { audience: 'billing-api' }), 'audience_mismatch'],
    ['lacks the scope', async () => issue('orders:read'), 'insufficient_scope'],
    ['is malformed', async () => 'ada', 'token_malformed'],
  ])('is set aside if the token %s', async (_, token, code) => {
    queue.enqueue(await token(), 'tea')
    expect(await worker.next()).toMatchObject({ kind: 'set aside', error: { code } })
    expect(queue.deadLetters()).toMatchObject([{ code }])
    expect(carriedOut).toEqual([])
  })
})

describe('a job whose token cannot be checked', () => {
  it('is put back while keys are unavailable, and later verified as of the same time', async () => {
    keys = 'down'
    const { id, enqueuedAt } = queue.enqueue(await issue(), 'tea')
    const outcome = await worker.next()
    expect(outcome).toMatchObject({ kind: 'retried', id, error: { code: 'keys_unavailable', status: 503 } })
    expect(queue.deadLetters()).toEqual([])
    expect(queue.waiting()).toMatchObject([{ id, enqueuedAt }])
    expect(await worker.next()).toEqual({ kind: 'idle' })

    keys = 'up'
    pass(TOKEN_LIFE + 60)
    expect(await worker.next()).toEqual({ kind: 'done', id })
    expect(carriedOut).toEqual(['tea for ada'])
  })
})

describe('a job that fails for another reason', () => {
  it('is put back, and the error is rethrown', async () => {
    const { id } = queue.enqueue(await issue(), 'a bug')
    await expect(worker.next()).rejects.toThrow('a bug')
    expect(queue.waiting()).toMatchObject([{ id }])
    expect(queue.deadLetters()).toEqual([])
  })
})
