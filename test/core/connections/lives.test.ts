import { AuthError, scope } from '@claimgate/core'
import { type Connection, createConnections } from '@claimgate/core/connections'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { fakeVerifier, freshRequirement } from '../../support/core/fake-verifier.ts'
import { learningResource } from '../../support/core/learning-resource.ts'
import { accessClaims, AUDIENCE, ISSUER, NOW } from '../../support/core/jose-tokens.ts'
import { request } from '../../support/core/refusal.ts'

const keys = await createTestKeys('ES256')
const token = (changes: Record<string, unknown> = {}): Promise<string> => keys.sign(accessClaims(changes))

let clock: TestClock
let lines: string[]
beforeEach(() => {
  clock = createTestClock({ wall: NOW * 1000 })
  lines = []
})

const create = (options: object = {}): ReturnType<typeof createConnections> =>
  createConnections({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [keys.publicJwk] },
    clock,
    log: { warn: (line: string) => lines.push(line) },
    ...options,
  })

async function opened(
  options: object = {},
  changes: Record<string, unknown> = {},
  view = request(),
): Promise<Connection> {
  const { connection } = await create(options).open(view, await token(changes))
  if (connection === undefined) throw new Error('the connection was refused')
  return connection
}

describe('55. An open connection', () => {
  it('has the user of its token, until it ends', async () => {
    const [connection, plain] = [await opened({ onAuthenticated: () => 'ada' }), await opened()]
    expect([connection.user, plain.user]).toEqual(['ada', undefined])
    clock.advance(600_000)
    expect(connection.user).toBeUndefined()
  })

  it('has no timer and calls no listener after it was closed', async () => {
    const ends: unknown[] = []
    const connection = await opened()
    connection.onEnd((end) => ends.push(end))
    expect(clock.pending()).toBe(1)
    connection.close()
    expect(clock.pending()).toBe(0)
    connection.onEnd((end) => ends.push(end))
    await clock.advanceAsync(700_000)
    expect([ends, clock.pending(), connection.token]).toEqual([[], 0, undefined])
    expect(await connection.authenticate(await token())).toMatchObject({ status: 401 })
  })

  it('that has ended takes no other token', async () => {
    const [connection, forbidden] = [await opened(), await opened({ requirement: scope('profile') })]
    expect(await forbidden.authenticate(await token({ scope: 'other' }))).toMatchObject({ status: 403 })
    expect(await forbidden.authenticate(await token())).toMatchObject({ status: 403 })
    await clock.advanceAsync(600_000)
    expect(await connection.authenticate(await token({ exp: NOW + 9000 }))).toMatchObject({ status: 401 })
  })

  it.each([30, 300, 1200])('ends when its new token expires: after %i s', async (seconds) => {
    const ends: unknown[] = []
    const connection = await opened()
    connection.onEnd((end) => ends.push(end))
    expect(await connection.authenticate(await token({ exp: NOW + seconds }))).toEqual({
      status: 200,
      expiresAt: (NOW + seconds) * 1000,
    })
    expect(clock.pending()).toBe(1)
    await clock.advanceAsync(seconds * 1000 - 1)
    expect(ends).toEqual([])
    await clock.advanceAsync(1)
    expect([ends.length, clock.pending()]).toEqual([1, 0])
  })

  it('without a listener has no timer, also with a new token', async () => {
    const connection = await opened()
    await connection.authenticate(await token({ exp: NOW + 900 }))
    expect(clock.pending()).toBe(0)
  })

  it('is logged when two tokens come at a time, or its token is refused later, but not when it expires', async () => {
    const twice = await opened()
    const text = await token({ exp: NOW + 900 })
    const answers = await Promise.all([twice.authenticate(text), twice.authenticate(text)])
    expect(answers.map(({ status }) => status)).toEqual([400, 400])
    expect(lines).toEqual([
      'Connection ended (credential_repeated): The request carries more than one credential: expected "one token at a time"',
    ])
    const expiring = await opened()
    expiring.onEnd(() => {})
    await clock.advanceAsync(600_000)
    expect(lines).toHaveLength(1)
  })

  it('is logged when its token is revoked', async () => {
    let isRevoked = false
    const check = async (): Promise<void> => {
      if (isRevoked) throw new AuthError('token_refused')
    }
    await clock.advanceAsync(20_000)
    const connection = await opened({ checks: [{ name: 'own', check }], verifyEvery: 10 })
    connection.onEnd(() => {})
    isRevoked = true
    await clock.advanceAsync(9999)
    expect(lines).toEqual([])
    await clock.advanceAsync(1)
    expect(lines).toEqual([expect.stringMatching(/^Connection ended \(token_refused\): /)])
  })

  it('that is closed while another token is verified takes it no more', async () => {
    const connection = await opened()
    const answer = connection.authenticate(await token({ exp: NOW + 900 }))
    connection.close()
    expect(await answer).toMatchObject({ status: 401 })
  })

  it('goes on with a new token, whatever becomes of the verification of the old one', async () => {
    const ends: unknown[] = []
    const refuse: (() => void)[] = []
    let hangs = false
    const check = async (): Promise<void> => {
      if (!hangs) return
      hangs = false
      await new Promise<void>((_, reject) => refuse.push(() => reject(new AuthError('token_refused'))))
    }
    const connection = await opened({ checks: [{ name: 'own', check }], verifyEvery: 1 })
    connection.onEnd((end) => ends.push(end))
    hangs = true
    await clock.advanceAsync(1000)
    expect(refuse).toHaveLength(1)
    expect(await connection.authenticate(await token({ exp: NOW + 900 }))).toMatchObject({ status: 200 })
    for (const end of refuse) end()
    await new Promise(setImmediate)
    expect([ends, lines, connection.token?.claims.sub]).toEqual([[], [], 'ada'])
  })

  it('logs a request of an unknown kind', async () => {
    await create().open({} as never)
    expect(lines).toEqual([
      expect.stringContaining('Cannot open connection: give the request, or { method, target, header }'),
    ])
  })
})

describe('55. A token in a message', () => {
  it('is the only credential, whatever the request carries', async () => {
    const { connection } = await create({ credentials: [{ from: 'query' }] }).open(
      request({}, { target: `/?access_token=${await token({ sub: 'eve' })}` }),
      await token(),
    )
    expect(connection?.token?.claims.sub).toBe('ada')
    const own = create({ extractToken: () => 'other' })
    expect(await own.open(request(), await token())).toMatchObject({ kind: 'open' })
  })

  it('is confirmed with what the request that opened the connection has', async () => {
    const seen: unknown[] = []
    const certificate = Uint8Array.of(1)
    const confirm = async (...[, , view]: readonly [unknown, unknown, ReturnType<typeof request>, ...unknown[]]) => {
      seen.push([view.method, view.target, view.header('x-a'), view.clientCertificate?.(), view.peer])
    }
    const bindings = [{ confirmation: 'jkt', confirm }]
    const peer = { address: '192.0.2.1', encrypted: true }
    const view = request({ 'x-a': 'b' }, { method: 'PUT', target: '/a', clientCertificate: () => certificate, peer })
    await opened({ bindings }, { cnf: { jkt: 'a' } }, view)
    await opened({ bindings }, { cnf: { jkt: 'a' } })
    expect(seen).toEqual([
      ['PUT', '/a', ['b'], certificate, peer],
      ['GET', '/orders', [], undefined, undefined],
    ])
  })

  it('is not told to the resource a second time', () => {
    const { resource, facts } = learningResource(AUDIENCE)
    create({ resource })
    expect(facts).toHaveLength(1)
  })

  it('can only meet a fresh requirement if the verifier can ask the authorization server', () => {
    expect(() => create({ requirement: freshRequirement() })).toThrow(
      'Cannot create connections: fresh() needs a verifier that asks the authorization server',
    )
    const verifier = fakeVerifier({ verifyFresh: async (given) => given })
    expect(() => createConnections({ verifier, requirement: freshRequirement() })).not.toThrow()
  })
})
