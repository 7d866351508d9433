// The statements of the README of @claimgate/testing about undici's MockAgent.
import { createVerifier, type VerifierOptions } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { fetch as undiciFetch, getGlobalDispatcher, MockAgent, setGlobalDispatcher } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const issuer = 'https://issuer.invalid'
const audience = 'orders-api'
const keys = await createTestKeys('ES256')
const exp = Math.floor(Date.now() / 1000) + 600
const token = await keys.sign({ iss: issuer, aud: audience, sub: 'ada', exp })

const before = getGlobalDispatcher()
let agent: MockAgent
beforeEach(() => {
  agent = new MockAgent()
  agent.disableNetConnect()
  setGlobalDispatcher(agent)
  agent
    .get(issuer)
    .intercept({ path: '/.well-known/openid-configuration' })
    .reply(200, { issuer, jwks_uri: `${issuer}/jwks` })
  agent
    .get(issuer)
    .intercept({ path: '/jwks' })
    .reply(200, { keys: [keys.publicJwk] })
})
afterEach(async () => {
  setGlobalDispatcher(before)
  await agent.close()
})

const subject = async (options: Partial<VerifierOptions>): Promise<unknown> => {
  const verifier = createVerifier({ issuer, audience, ...options } as VerifierOptions)
  try {
    return (await verifier.verify(token)).claims.sub
  } catch (error) {
    return (error as { readonly code?: string }).code
  } finally {
    verifier.close()
  }
}

describe('a verifier under the MockAgent of undici', () => {
  it.each<[string, VerifierOptions['fetch']]>([
    ['the fetch of undici', undiciFetch],
    ['the fetch of the runtime', (url, init) => fetch(url, init)],
  ])('sees its replies with %s', async (_, given) => {
    expect(await subject({ fetch: given })).toBe('ada')
    agent.assertNoPendingInterceptors()
  })

  it('does not see them with its default transport, which has its own agent', async () => {
    expect(await subject({})).toBe('keys_unavailable')
    expect(agent.pendingInterceptors()).toHaveLength(2)
  })
})
