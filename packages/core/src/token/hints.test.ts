import { expect, it } from 'vitest'
import { accessClaims, AUDIENCE, clock, createSigningKey, ISSUER } from '../jose-tokens.test-support.ts'
import { createAuthenticator } from '../authenticator.ts'
import { createVerifier } from '../verifier.ts'

const key = await createSigningKey()
const policy = { issuer: ISSUER, audience: AUDIENCE, clock }

it('explains with the keys that were used, also where they had to be fetched first', async () => {
  const fetch = async (): Promise<Response> => Response.json(key.jwks)
  const verifier = createVerifier({ ...policy, fetch, jwksUri: 'https://issuer.example/jwks' })
  const { steps } = await verifier.explain(await key.sign(accessClaims()))
  const told = steps.find(({ step }) => step === 'key')
  expect(told).toMatchObject({ result: 'passed' })
  expect(told?.actual).toContain('1 keys of https://issuer.example/jwks')
})

it.each([
  ['Bearer null', 'The client sent the word "null" in place of a token: it had none'],
  ['Bearer undefined', 'The client sent the word "undefined" in place of a token: it had none'],
  ['Bearer Bearer a.b.c', 'The scheme is there twice: "Bearer Bearer"'],
])('says what is wrong with "%s"', async (authorization, hint) => {
  const authenticator = createAuthenticator({ ...policy, jwks: key.jwks })
  const header = (name: string): readonly string[] => (name === 'authorization' ? [authorization] : [])
  const outcome = await authenticator.authenticate({ method: 'GET', target: '/', header })
  expect(outcome).toMatchObject({ kind: 'refused', error: { hint } })
})
