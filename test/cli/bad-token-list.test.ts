import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { listBadTokens } from '../../packages/cli/src/development/bad-token-list.ts'
import { mintWith, rulesOf } from '../../packages/cli/src/development/dev-issuer.ts'
import { planTokens, type TokenChanges } from '../../packages/cli/src/development/token-plan.ts'

const keys = await createTestKeys('ES256')
const plan = planTokens({ issuer: 'https://a.example', audience: 'api' })
const goodToken = async (changes?: TokenChanges): Promise<string> => (await mintWith(keys, plan, changes)).token

describe('the bad tokens for an API', () => {
  it('are several hundred with the key, and never the good token', async () => {
    const { good, bad } = await listBadTokens(await goodToken(), keys)
    expect(bad.length).toBeGreaterThan(380)
    expect(bad.map(({ token }) => token)).not.toContain(good)
    expect(bad.every(({ refusal }) => refusal === 'required')).toBe(true)
  })

  it('need no valid signature without the private key, and no HMAC without the public one', async () => {
    const token = await goodToken()
    const { publicJwk, publicPem } = keys
    const withPublic = (await listBadTokens(token, { publicJwk, publicPem })).bad
    const without = (await listBadTokens(token)).bad
    const hmac = withPublic.filter(({ name }) => name.startsWith('HS'))
    expect(hmac.length).toBe(27)
    expect(without.map(({ name }) => name)).toEqual(
      withPublic.map(({ name }) => name).filter((name) => !name.startsWith('HS')),
    )
    // The placeholder of a signature is in none of them, not even in another alphabet.
    expect(without.some((one) => one.token.includes('NOT0SIGNED'))).toBe(false)
  })

  it('have no other audience if the good one has none, because the API cannot check it', async () => {
    const names = (await listBadTokens(await goodToken({ without: ['aud'] }), keys)).bad.map(({ name }) => name)
    expect(names.filter((name) => name.startsWith('aud '))).toEqual([])
    expect(names).toContain('exp an hour ago')
  })

  it('leave out what the profile of a provider accepts: any audience, or marks of an ID token', async () => {
    const namesFor = async (provider: string): Promise<readonly string[]> => {
      const as = planTokens({ provider, issuer: '' })
      const signing = await createTestKeys(as.algorithm)
      const { token } = await mintWith(signing, as)
      return (await listBadTokens(token, signing, rulesOf(as))).bad.map(({ name }) => name)
    }
    const [keycloak, cognito] = [await namesFor('keycloak'), await namesFor('cognito')]
    const about = (names: readonly string[], start: string): boolean => names.some((name) => name.startsWith(start))
    expect([about(keycloak, 'ID token'), about(keycloak, 'aud ')]).toEqual([false, true])
    expect([about(cognito, 'ID token'), about(cognito, 'aud ')]).toEqual([true, false])
  })
})
