import { describe, expect, it } from 'vitest'
import { accessClaims, AUDIENCE, clock, createSigningKey, ISSUER } from '../../support/core/jose-tokens.ts'
import { createAuthenticator } from '../../../packages/core/src/authenticator/authenticator.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'

const key = await createSigningKey()
const policy = { issuer: ISSUER, audience: AUDIENCE, clock }

it('explains with the keys that were used, even if they had to be fetched first', async () => {
  const fetch = async (): Promise<Response> => Response.json(key.jwks)
  const verifier = createVerifier({ ...policy, fetch, jwksUri: 'https://issuer.example/jwks' })
  const { steps } = await verifier.explain(await key.sign(accessClaims()))
  const told = steps.find(({ step }) => step === 'key')
  expect(told).toMatchObject({ result: 'passed' })
  expect(told?.actual).toContain('1 key of https://issuer.example/jwks')
})

it.each([
  ['Bearer null', 'The client sent the word "null" in place of a token: it had none'],
  ['Bearer undefined', 'The client sent the word "undefined" in place of a token: it had none'],
  ['Bearer Bearer a.b.c', 'The scheme is there twice: "Bearer Bearer"'],
])('explains what is wrong with "%s"', async (authorization, hint) => {
  const authenticator = createAuthenticator({ ...policy, jwks: key.jwks })
  const header = (name: string): readonly string[] => (name === 'authorization' ? [authorization] : [])
  const outcome = await authenticator.authenticate({ method: 'GET', target: '/', header })
  expect(outcome).toMatchObject({ kind: 'refused', error: { hint } })
})

it('says only for a preflight that CORS must answer it', async () => {
  const authenticator = createAuthenticator({ ...policy, jwks: key.jwks })
  const hintOf = async (method: string, asked: readonly string[]): Promise<string | undefined> => {
    const header = (name: string): readonly string[] => (name === 'access-control-request-method' ? asked : [])
    const outcome = await authenticator.authenticate({ method, target: '/', header })
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'credential_missing', status: 401 } })
    return outcome.kind === 'refused' ? outcome.error.hint : undefined
  }
  expect(await hintOf('OPTIONS', ['DELETE'])).toContain('let CORS answer first, before authenticateJwt')
  expect(await hintOf('OPTIONS', [])).toBeUndefined()
  expect(await hintOf('GET', ['DELETE'])).toBeUndefined()
})

describe('a nonce in the header', () => {
  const graph = 'token for Microsoft Graph'
  const twoKeys = async () => {
    const other = await createSigningKey('ES256', 'key-2')
    return { keys: [key.publicJwk, other.publicJwk] }
  }

  it('is explained if the signature does not verify', async () => {
    const verifier = createVerifier({ ...policy, jwks: key.jwks })
    const forged = await createSigningKey('ES256', 'key-1')
    const refused = verifier.verify(await forged.sign(accessClaims(), { nonce: 'abc' }))
    await expect(refused).rejects.toMatchObject({ code: 'signature_invalid', hint: expect.stringContaining(graph) })
    const without = verifier.verify(await forged.sign(accessClaims()))
    await expect(without).rejects.toMatchObject({ code: 'signature_invalid', hint: undefined })
  })

  it('is explained if the token names no key', async () => {
    const verifier = createVerifier({ ...policy, jwks: await twoKeys() })
    const forged = await createSigningKey('ES256')
    const refused = verifier.verify(await forged.sign(accessClaims(), { nonce: 'abc', kid: undefined }))
    await expect(refused).rejects.toMatchObject({ code: 'signature_invalid', hint: expect.stringContaining(graph) })
  })

  it('has no effect if the signature verifies', async () => {
    const verifier = createVerifier({ ...policy, jwks: key.jwks })
    const token = await key.sign(accessClaims(), { nonce: 'abc' })
    expect((await verifier.verify(token)).header).toMatchObject({ nonce: 'abc' })
  })
})

it.each(['typ', 'cty'])('says that the limit on %s is that of Claimgate', async (name) => {
  const verifier = createVerifier({ ...policy, jwks: key.jwks })
  const refused = verifier.verify(await key.sign(accessClaims(), { [name]: 'a'.repeat(129) }))
  await expect(refused).rejects.toMatchObject({
    code: 'header_malformed',
    expected: `"${name}: at most 128 characters"`,
    actual: '129',
    hint: expect.stringContaining('limit is that of Claimgate'),
  })
})

it('names the limit that raises the length of a key ID', async () => {
  const verifier = createVerifier({ ...policy, jwks: key.jwks })
  const refused = verifier.verify(await key.sign(accessClaims(), { kid: 'a'.repeat(257) }))
  await expect(refused).rejects.toMatchObject({
    code: 'kid_malformed',
    hint: expect.stringContaining('raise "limits.kidLength"'),
  })
})
