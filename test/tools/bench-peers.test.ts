import { beforeAll, describe, expect, it } from 'vitest'

import { jwtVerify } from 'jose'

import { assertVerifier } from '../bench/fixtures/assert-verifier.mjs'
import { AUDIENCE, createSigningKey, distinctTokens, ISSUER, type SigningKey } from '../bench/fixtures/tokens.mjs'

interface Options {
  readonly issuer?: string
  readonly audience?: string
  readonly currentDate?: Date
}

const RULES = { issuer: ISSUER, audience: AUDIENCE }

describe('a contender of the benchmark', () => {
  let key: SigningKey
  let tokens: readonly string[]
  beforeAll(async () => {
    key = await createSigningKey('ES256')
    tokens = await distinctTokens(key, 2)
  })

  const claimsOf = (verified: unknown): Record<string, unknown> => verified as Record<string, unknown>
  const verifierWith = (options: Options) => ({
    name: 'a contender',
    verify: async (token: string) => (await jwtVerify(token, key.publicKey, options)).payload,
    claimsOf,
  })

  it('passes with the right claims and if it accepts no bad token', async () => {
    await expect(assertVerifier(verifierWith(RULES), key, tokens)).resolves.toBeUndefined()
  })

  it.each([
    ['another issuer', { audience: AUDIENCE }],
    ['another audience', { issuer: ISSUER }],
    ['a past exp', { ...RULES, currentDate: new Date(1_700_000_000_000) }],
  ])('is not timed if it accepts %s', async (flaw, options) => {
    await expect(assertVerifier(verifierWith(options), key, tokens)).rejects.toThrow(`accepts a token with ${flaw}`)
  })

  it('is not timed if it does not check signatures', async () => {
    const verify = async (token: string): Promise<unknown> =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    await expect(assertVerifier({ name: 'a contender', verify, claimsOf }, key, tokens)).rejects.toThrow(
      'accepts a token with a changed signature',
    )
  })

  it("is not timed if it returns another token's claims", async () => {
    const { verify } = verifierWith(RULES)
    const stuck = { name: 'a contender', verify: () => verify(tokens[0] ?? ''), claimsOf }
    await expect(assertVerifier(stuck, key, tokens)).rejects.toThrow("other claims than the token's")
  })
})
