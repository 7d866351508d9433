import { AuthError, createVerifier, type Verifier } from '@claimgate/core'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { apiFor, type AuthorizationServer, startAuthorizationServer } from '../support/interop/authorization-server.ts'
import { clientCredentials } from '../support/interop/client.ts'

const API = apiFor('ES256')
const FRESH_FOR = 60
const COOLDOWN = 10
const keyNamed = async (kid: string, generation = 0) => (await createTestKeys('ES256', { kid, generation })).privateJwk

let server: AuthorizationServer
let clock: TestClock
let verifier: Verifier

beforeEach(async () => {
  server = await startAuthorizationServer({ keys: [await keyNamed('first')] })
  clock = createTestClock({ wall: Date.now() })
  verifier = createVerifier({
    issuer: server.issuer,
    audience: API,
    profile: 'rfc9068',
    keySet: { freshFor: FRESH_FOR, cooldown: COOLDOWN },
    clock,
  })
})
afterEach(async () => {
  verifier.close()
  await server.close()
})

const mint = async (): Promise<string> => clientCredentials(server.issuer, API)
const setFetches = (): number => server.paths.filter((path) => path === '/jwks').length

async function answer(token: string): Promise<string> {
  try {
    return `verified with ${(await verifier.verify(token)).header?.kid}`
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

describe('a rotation of oidc-provider at one URL, seen by a running verifier', () => {
  it('accepts tokens of a new key immediately, beside those of the old key', async () => {
    const oldToken = await mint()
    expect(await answer(oldToken)).toBe('verified with first')
    server.restart([await keyNamed('second'), await keyNamed('first')])
    const newToken = await mint()
    expect(await answer(newToken)).toBe('verified with second')
    expect(await answer(oldToken)).toBe('verified with first')
    expect(setFetches()).toBe(2)
  })

  it('refuses tokens of a withdrawn key after the next refresh, and names the available keys', async () => {
    const oldToken = await mint()
    expect(await answer(oldToken)).toBe('verified with first')
    server.restart([await keyNamed('second')])
    expect(await answer(oldToken)).toBe('verified with first')
    clock.advance((FRESH_FOR + 1) * 1000)
    expect(await answer(oldToken)).toBe('401 key_not_found')
    expect((await verifier.explain(oldToken)).summary).toMatch(/No key with kid "first" in a set of 1 .*"second"/)
    expect(await answer(await mint())).toBe('verified with second')
  })

  it('refuses tokens of a withdrawn key once a refresh was requested after they had been issued', async () => {
    const oldToken = await mint()
    expect(await answer(oldToken)).toBe('verified with first')
    server.restart([await keyNamed('second')])
    expect(await answer(await mint())).toBe('verified with second')
    // It was issued so close to the refresh that clock differences could reverse the order.
    clock.advance((COOLDOWN - 1) * 1000)
    expect(await answer(oldToken)).toBe('503 keys_unavailable')
    expect(setFetches()).toBe(2)
    clock.advance(1000)
    expect(await answer(oldToken)).toBe('401 key_not_found')
    expect(setFetches()).toBe(3)
  })

  it('accepts a third key after the cool-down, and answers 503 before', async () => {
    expect(await answer(await mint())).toBe('verified with first')
    server.restart([await keyNamed('second')])
    expect(await answer(await mint())).toBe('verified with second')
    server.restart([await keyNamed('third')])
    const token = await mint()
    expect(await answer(token)).toBe('503 keys_unavailable')
    expect(setFetches()).toBe(2)
    clock.advance((COOLDOWN + 1) * 1000)
    expect(await answer(token)).toBe('verified with third')
    expect(setFetches()).toBe(3)
  })

  it('accepts another key with the same key ID', async () => {
    const oldToken = await mint()
    expect(await answer(oldToken)).toBe('verified with first')
    server.restart([await keyNamed('first', 1)])
    expect(await answer(await mint())).toBe('verified with first')
    expect(await answer(oldToken)).toBe('401 signature_invalid')
    expect(setFetches()).toBe(2)
  })

  it('keeps using known keys while the server is down, and does not guess about unknown ones', async () => {
    const token = await mint()
    expect(await answer(token)).toBe('verified with first')
    server.restart([await keyNamed('second')])
    const newToken = await mint()
    await server.close()
    clock.advance((FRESH_FOR + 1) * 1000)
    expect(await answer(token)).toBe('verified with first')
    expect(await answer(newToken)).toBe('503 keys_unavailable')
  })
})
