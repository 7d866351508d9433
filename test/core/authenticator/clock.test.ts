import { createAuthenticator, createVerifier, type Requirement, type Verifier } from '@claimgate/core'
import { verifiedToken } from '@claimgate/core/adapter'
import { createIntrospectionVerifier, clientSecretBasic } from '@claimgate/core/introspection'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { bearer, NOW, optionsWith } from '../../support/core/refusal.ts'

const clock = { now: () => NOW * 1000 }
const own: Verifier = {
  verify: async (token) => verifiedToken(token, { claims: {}, scopes: new Set() }),
  explain: async () => ({ accepted: true, summary: '', steps: [] }),
  ready: async () => {},
  close: () => {},
}
const jwts = createVerifier(optionsWith({ jwks: { keys: [(await createTestKeys('ES256')).publicJwk] } }))
const opaque = createIntrospectionVerifier({
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  endpoint: 'https://issuer.example/introspect',
  client: clientSecretBasic('api', 'secret'),
  clock,
})

const keys = { resolve: () => Promise.reject(new Error('no key')) }

/** The times that requirements saw. */
async function timesSeen(verifier: Verifier): Promise<readonly number[]> {
  const times: number[] = []
  const requirement: Requirement = {
    description: 'a time',
    scopes: [],
    isMet: (_, { now }) => times.push(now) > 0,
  }
  const authenticator = createAuthenticator({ verifier })
  const token = await own.verify('token')
  await authenticator.authorize(token, requirement)
  await createAuthenticator({ verifier: { ...own, ...(verifier.now && { now: verifier.now }) } }).authenticate(
    bearer('token'),
    requirement,
  )
  return times
}

describe('requirements use the clock of the verifier', () => {
  it.each<[string, Verifier]>([
    ['its options', jwts],
    ['an introspection verifier', opaque],
    ["an application's own verifier", { ...own, now: clock.now }],
    ['a nested verifier', createNestedVerifier({ verifier: { ...own, now: clock.now }, decryption: { keys } })],
  ])('%s', async (_, verifier) => {
    expect(await timesSeen(verifier)).toEqual([NOW, NOW])
  })

  it('and those of the runtime if it has none', async () => {
    for (const time of await timesSeen(own)) expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60)
  })
})
