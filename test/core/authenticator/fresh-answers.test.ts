import { AuthError, createAuthenticator, type Requirement } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { fakeVerifier, freshRequirement } from '../../support/core/fake-verifier.ts'
import { bearer } from '../../support/core/refusal.ts'

const refuses = (code: string) => ({ kind: 'refused', error: { code } })

describe('a requirement of a fresh answer', () => {
  const fresh = { claims: { sub: 'ada', fresh: true }, scopes: new Set(['read']) } as never

  it('is met by the token that the authorization server gives', async () => {
    const verifier = fakeVerifier({ verifyFresh: async () => fresh })
    const authenticator = createAuthenticator({ verifier })
    const outcome = await authenticator.authenticate(bearer('abc'), freshRequirement())
    expect(outcome).toMatchObject({ kind: 'authenticated', token: { claims: { fresh: true } } })
    const token = await verifier.verify('abc')
    expect(await authenticator.authorize(token, freshRequirement(), 'DPoP')).toMatchObject({
      kind: 'authenticated',
      token: { claims: { fresh: true } },
      scheme: 'DPoP',
    })
  })

  it('asks no server if the requirement is met without an answer, or cannot be met', async () => {
    let asked = 0
    const verifyFresh = async () => {
      asked += 1
      return fresh
    }
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier({ verifyFresh }) })
    const met = await authenticate(bearer('abc'), freshRequirement({ isMet: () => true }))
    expect(met).toMatchObject({ kind: 'authenticated', token: { claims: { sub: 'ada' } } })
    expect(met).not.toHaveProperty('token.claims.fresh')
    expect(await authenticate(bearer('abc'), freshRequirement({ isMet: () => false }))).toMatchObject(
      refuses('requirement_not_met'),
    )
    expect(asked).toBe(0)
  })

  it('is checked again with the new token, which may lack something', async () => {
    const isMet: Requirement['isMet'] = ({ claims }, context) => context.fresh === true && claims['fresh'] !== true
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier({ verifyFresh: async () => fresh }) })
    expect(await authenticate(bearer('abc'), freshRequirement({ isMet }))).toMatchObject(refuses('requirement_not_met'))
  })

  it('refuses a new token that is bound to another key', async () => {
    const bound = { claims: { cnf: { jkt: 'a' } }, scopes: new Set() } as never
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier({ verifyFresh: async () => bound }) })
    expect(await authenticate(bearer('abc'), freshRequirement())).toMatchObject({
      kind: 'refused',
      error: { code: 'binding_failed', expected: String.raw`"the same \"cnf\" as before"` },
    })
  })

  it.each([undefined, {}, { claims: {} }])('is a bug of a verifier that answers with %j', async (answer) => {
    const { authenticate } = createAuthenticator({
      verifier: fakeVerifier({ verifyFresh: async () => answer as never }),
    })
    await expect(authenticate(bearer('abc'), freshRequirement())).rejects.toThrow(
      '"verifier" must return a verified token with "claims" and "scopes"',
    )
  })

  it('needs a verifier that can ask', async () => {
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier() })
    await expect(authenticate(bearer('abc'), freshRequirement())).rejects.toThrow(
      'Cannot authorize request: fresh() needs a verifier that asks the authorization server',
    )
  })

  it('passes on the refusal of the authorization server', async () => {
    const verifyFresh = () => Promise.reject(new AuthError('token_refused'))
    const authenticator = createAuthenticator({ verifier: fakeVerifier({ verifyFresh }) })
    expect(await authenticator.authenticate(bearer('abc'), freshRequirement())).toMatchObject(refuses('token_refused'))
    const token = await fakeVerifier().verify('abc')
    expect(await authenticator.authorize(token, freshRequirement())).toMatchObject(refuses('token_refused'))
  })
})
