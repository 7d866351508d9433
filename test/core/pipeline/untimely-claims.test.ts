import { AuthError, createVerifier, type VerifierOptions } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import {
  accessClaims,
  AUDIENCE,
  clock,
  createSigningKey,
  NOW,
  verifierOptions,
} from '../../support/core/jose-tokens.ts'

const key = await createSigningKey()
const other = await createSigningKey()

const refusalOf = async (claims: object, more: object = {}, signer = key): Promise<AuthError> => {
  const verifier = createVerifier(verifierOptions(key, more))
  const token = await signer.sign(accessClaims(claims as Record<string, unknown>))
  return verifier.verify(token).then(
    () => Promise.reject(new Error('the token was accepted')),
    (error: unknown) => error as AuthError,
  )
}

describe('the claims of a refused token', () => {
  it.each<readonly [string, object, object]>([
    ['has expired', { exp: NOW - 100 }, {}],
    ['is not yet valid', { nbf: NOW + 100 }, {}],
    ['was issued in the future', { iat: NOW + 100 }, {}],
    ['is too old', { iat: NOW - 100 }, { maxAge: 10 }],
  ])('are known if it %s, and nothing else is wrong', async (_, claims, more) => {
    expect((await refusalOf(claims, more)).claims).toMatchObject({ sub: 'ada', ...claims })
  })

  it.each<readonly [string, object, object]>([
    ['another audience', { aud: 'other' }, {}],
    ['no exp', { exp: undefined }, {}],
    ['a lifetime that is too long', {}, { maxLifetime: 10 }],
    ['another audience, and it has expired', { aud: 'other', exp: NOW - 100 }, {}],
    ['a missing claim, and it has expired', { exp: NOW - 100 }, { requiredClaims: ['tenant'] }],
    ['a refused claim, and it has expired', { exp: NOW - 100 }, { requiredClaims: { sub: () => false } }],
    ['a key it is bound to, and it has expired', { exp: NOW - 100, cnf: { jkt: 'a' } }, {}],
  ])('are not known if it has %s', async (_, claims, more) => {
    expect((await refusalOf(claims, more)).claims).toBeUndefined()
  })

  it('are not known if it is signed by another key', async () => {
    const { code, claims } = await refusalOf({ exp: NOW - 100 }, {}, other)
    expect([code, claims]).toEqual(['signature_invalid', undefined])
  })

  it('are known of a token that was accepted before, and of none that was only explained', async () => {
    let now = NOW * 1000
    const verifier = createVerifier(verifierOptions(key, { clock: { now: () => now, monotonic: () => now } }))
    const token = await key.sign(accessClaims({ exp: NOW + 10 }))
    await verifier.verify(token)
    now += 60_000
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_expired', claims: { sub: 'ada' } })
  })
})

describe('a token whose keys are unavailable', () => {
  const down = { jwks: undefined, keys: { resolve: () => Promise.reject(new TypeError('down')) } }
  const outage = () => Promise.reject(new AuthError('keys_unavailable'))
  const unavailable = { jwks: undefined, keys: { resolve: outage } }

  it.each<readonly [string, object, string]>([
    ['nothing wrong', {}, 'keys_unavailable'],
    ['another audience', { aud: 'other' }, 'audience_mismatch'],
    ['an exp that is past', { exp: NOW - 100 }, 'token_expired'],
  ])('is refused for its claims if they have %s', async (_, claims, code) => {
    const refusal = await refusalOf(claims, unavailable)
    expect([refusal.code, refusal.claims]).toEqual([code, undefined])
    const verifier = createVerifier(verifierOptions(key, unavailable))
    const explained = await verifier.explain(await key.sign(accessClaims(claims as Record<string, unknown>)))
    expect(explained.code).toBe(code)
  })

  it('is refused for its issuer first, and an own claim is no reason', async () => {
    const verifier = createVerifier(verifierOptions(key, { ...unavailable, requiredClaims: ['tenant'] }))
    expect((await verifier.explain(await key.sign(accessClaims()))).code).toBe('keys_unavailable')
    const foreign = await verifier.explain(await key.sign(accessClaims({ iss: 'https://other', aud: 'other' })))
    expect(foreign.code).toBe('issuer_mismatch')
  })

  it('keeps a bug of its source as one', async () => {
    await expect(
      createVerifier(verifierOptions(key, down)).verify(await key.sign(accessClaims({ aud: 'x' }))),
    ).rejects.toThrow('down')
  })
})

describe('an explanation', () => {
  const named = { alg: 'ES256', use: 'sig' } as const
  const several = (): VerifierOptions =>
    verifierOptions(key, {
      jwks: {
        keys: [
          { ...other.publicJwk, kid: 'first' },
          { ...key.publicJwk, kid: 'second', ...named },
        ],
      },
    })

  it('says which keys were tried for a token without a key ID, and which one it was', async () => {
    const { accepted, steps } = await createVerifier(several()).explain(
      await key.sign(accessClaims(), { kid: undefined }),
    )
    expect(accepted).toBe(true)
    expect(steps.find(({ step }) => step === 'key')).toMatchObject({
      expected: '"at most 4 keys that fit"',
      hint: expect.stringMatching(/^The token names no key ID. Keys to try: .*first.*second/) as string,
    })
    expect(steps.find(({ step }) => step === 'signature')).toMatchObject({
      expected: '"a signature by one of these keys"',
      actual: '"verified"',
      hint: expect.stringMatching(/^Signed by the key .*second/) as string,
    })
  })

  it('says no more if there is one key', async () => {
    const { steps } = await createVerifier(verifierOptions(key)).explain(await key.sign(accessClaims()))
    const [found, signed] = ['key', 'signature'].map((name) => steps.find(({ step }) => step === name))
    expect(found).toMatchObject({ result: 'passed', expected: '"one key that fits"' })
    expect(signed).toEqual({
      step: 'signature',
      result: 'passed',
      expected: '"a signature by that key"',
      actual: '"verified"',
    })
    expect(found).not.toHaveProperty('hint')
    expect(steps.some(({ step }) => step === 'padding')).toBe(false)
  })

  it('of a padded token has a step for that', async () => {
    const token = await key.sign(accessClaims())
    const [header = '', ...rest] = token.split('.')
    const padded = [
      `${header}${'='.repeat((4 - (header.length % 4)) % 4)}`,
      ...rest.map((part) => `${part}${'='.repeat((4 - (part.length % 4)) % 4)}`),
    ].join('.')
    expect(padded).not.toBe(token)
    const { steps } = await createVerifier(verifierOptions(key, { padding: 'accept' })).explain(padded)
    expect(steps.find(({ step }) => step === 'padding')).toEqual({
      step: 'padding',
      result: 'passed',
      expected: '"exact padding"',
      actual: '"exact padding"',
    })
    const refused = await createVerifier(verifierOptions(key)).explain(padded)
    expect(refused.steps.find(({ step }) => step === 'padding')).toMatchObject({
      result: 'failed',
      code: 'token_encoding',
    })
    await expect(createVerifier(verifierOptions(key)).verify(padded)).rejects.toMatchObject({ code: 'token_encoding' })
  })

  it('of a token check that answers is an error of the application', async () => {
    const checks = [{ name: 'own', check: async () => true }] as never
    const verifier = createVerifier(verifierOptions(key, { checks }))
    await expect(verifier.verify(await key.sign(accessClaims()))).rejects.toMatchObject({
      code: 'check_unavailable',
      cause: new TypeError('A token check refuses by throwing, and answers with nothing'),
    })
  })

  it('of a time that is too long ago says how long it may be', async () => {
    const verifier = createVerifier({ issuer: null, audience: AUDIENCE, jwks: key.jwks, clock })
    class Past {
      get time() {
        return NOW - 20
      }
      get maxLag() {
        return 10
      }
    }
    await expect(verifier.verify('a.b.c', { asOf: new Past() })).rejects.toMatchObject({
      code: 'verification_time',
      expected: '"a time at most 10 s ago, and not in the future"',
      actual: String(NOW - 20),
    })
  })
})
