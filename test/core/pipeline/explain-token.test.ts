import { beforeAll, describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import {
  accessClaims,
  AUDIENCE,
  clock,
  createSigningKey,
  ISSUER,
  NOW,
  type SigningKey,
  verifierOptions,
} from '../../support/core/jose-tokens.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'
import type { Explanation, ExplanationStep } from '../../../packages/core/src/pipeline/explain.ts'
import type { VerifierOptions } from '../../../packages/core/src/pipeline/options.ts'

let key: SigningKey
let other: SigningKey
beforeAll(async () => {
  key = await createSigningKey('ES256', 'key-1')
  other = await createSigningKey('ES256', 'key-2')
})

const explain = (token: string, changes: object = {}): Promise<Explanation> =>
  createVerifier(verifierOptions(key, changes)).explain(token)

const explainClaims = async (claims: object, changes: object = {}, header: object = {}): Promise<Explanation> =>
  explain(await key.sign(claims, header), changes)

const step = ({ steps }: Explanation, name: string): ExplanationStep | undefined =>
  steps.find((item) => item.step === name)
const results = ({ steps }: Explanation): string[] => steps.map((item) => `${item.step} ${item.result}`)

describe('an explanation', () => {
  it('names every step in order, with the compared values, for an accepted token', async () => {
    const explanation = await explainClaims(accessClaims())
    expect(explanation).toMatchObject({ accepted: true, summary: 'Accepted: every step passed' })
    expect(results(explanation)).toEqual([
      'time passed',
      'parse passed',
      'issuer passed',
      'algorithm passed',
      'key passed',
      'signature passed',
      'claims passed',
      'typ passed',
      'aud passed',
      'exp passed',
      'nbf passed',
      'iat passed',
      'cnf passed',
      'schema passed',
      'checks passed',
    ])
    expect(step(explanation, 'aud')).toEqual({
      step: 'aud',
      result: 'passed',
      expected: `["${AUDIENCE}"]`,
      actual: `"${AUDIENCE}"`,
    })
    expect(step(explanation, 'exp')?.actual).toBe(JSON.stringify(new Date((NOW + 600) * 1000).toISOString()))
  })

  it('continues after a signature that does not verify, and reports what else is wrong', async () => {
    const forged = await createSigningKey('ES256', 'key-1')
    const explanation = await explain(await forged.sign(accessClaims({ exp: NOW - 100, aud: 'x' })))
    expect(explanation).toMatchObject({ accepted: false, code: 'signature_invalid' })
    expect(step(explanation, 'signature')).toMatchObject({ result: 'failed', code: 'signature_invalid' })
    expect(step(explanation, 'exp')).toMatchObject({
      result: 'failed',
      code: 'token_expired',
      hint: 'It expired 100 seconds ago',
    })
    expect(step(explanation, 'aud')).toMatchObject({ result: 'failed', code: 'audience_mismatch' })
    expect(step(explanation, 'nbf')?.result).toBe('passed')
    expect(step(explanation, 'checks')?.result).toBe('skipped')
  })

  it('compares with the only policy even if the issuer is another', async () => {
    const explanation = await explainClaims(accessClaims({ iss: 'https://x.example', aud: 'x' }))
    expect(explanation.code).toBe('issuer_mismatch')
    expect(step(explanation, 'key')?.result).toBe('skipped')
    expect(step(explanation, 'signature')?.result).toBe('skipped')
    expect(step(explanation, 'aud')?.result).toBe('failed')
  })

  it.each<readonly [string, Record<string, unknown>, object, string, RegExp]>([
    ['a trailing slash', { iss: `${ISSUER}/` }, {}, 'issuer', /differ only by a trailing slash/],
    ['case', { iss: ISSUER.toUpperCase() }, {}, 'issuer', /differ only by case/],
    ['the scheme', { iss: ISSUER.replace('https', 'http') }, {}, 'issuer', /differ only by the scheme/],
    ['white space', { iss: `${ISSUER} ` }, {}, 'issuer', /differ only by white space/],
    ['iss in an array', { iss: [ISSUER] }, {}, 'issuer', /must be a string/],
    ['a slash in the audience', { aud: [`${AUDIENCE}/`] }, {}, 'aud', /differ only by a trailing slash/],
    [
      'an audience that is the client',
      { aud: 'shop', azp: 'shop' },
      {},
      'aud',
      /aud is the client ID, as in an ID token/,
    ],
    ['milliseconds', { exp: (NOW + 600) * 1000 }, {}, 'claims', /exp is in milliseconds/],
    [
      'an ID token',
      { nonce: 'n', aud: 'shop', azp: 'shop' },
      { typ: 'JWT' },
      'typ',
      /This looks like an ID token: it has a nonce and its aud is a client ID/,
    ],
    ['a DPoP proof', {}, { typ: 'dpop+jwt' }, 'typ', /This is a DPoP proof/],
    ['an unusual type', {}, { typ: 'x+jwt' }, 'typ', /add it to "tokenTypes"/],
    ['clocks apart', { nbf: NOW + 90 }, {}, 'nbf', /90 seconds ahead: compare the clocks/],
    ['a bound token', { cnf: { jkt: 'x' } }, {}, 'cnf', /sender-constrained/],
  ])('has a hint for %s', async (_, claims, header, name, hint) => {
    const explanation = await explainClaims(accessClaims(claims), {}, header)
    expect(explanation.accepted).toBe(false)
    expect(step(explanation, name)?.result).toBe('failed')
    expect(step(explanation, name)?.hint).toMatch(hint)
  })

  it('has a hint for opaque and encrypted tokens', async () => {
    expect((await explain('opaque')).summary).toMatch(/^Refused \(token_malformed\): .*introspection/)
    expect((await explain('a.b.c.d.e')).summary).toMatch(/encrypted token \(JWE\)/)
  })

  it('lists ignored keys and URLs in the header, and never quotes them', async () => {
    const header = { jku: 'https://evil.example', jwk: { kty: 'oct' }, x5c: null, x5u: 7 }
    const explanation = await explainClaims(accessClaims(), {}, header)
    expect(explanation.accepted).toBe(true)
    expect(step(explanation, 'parse')).toMatchObject({
      result: 'passed',
      hint: 'Ignored in the header: jwk, jku, x5u, x5c. Keys come only from the configuration of the issuer, never from a token',
    })
    expect(JSON.stringify(explanation)).not.toContain('evil')
    expect(step(await explainClaims(accessClaims(), {}, {}), 'parse')).not.toHaveProperty('hint')
  })

  it('names the known key IDs if that of the token is unknown', async () => {
    const explanation = await explain(await other.sign(accessClaims()))
    expect(explanation.code).toBe('key_not_found')
    expect(explanation.summary).toMatch(/key-2/)
    expect(explanation.summary).toMatch(/in a set of 1.*key-1/)
    expect(step(explanation, 'signature')?.result).toBe('skipped')
    expect(step(explanation, 'exp')?.result).toBe('passed')
  })

  it('skips steps that cannot run', async () => {
    expect(results(await explain('nonsense'))).toEqual([
      'time passed',
      'parse failed',
      'algorithm skipped',
      'key skipped',
      'signature skipped',
      'claims skipped',
    ])
    const algorithm = await explainClaims(accessClaims(), { algorithms: ['RS256'] })
    expect(results(algorithm)).toEqual(expect.arrayContaining(['algorithm failed', 'signature skipped', 'exp passed']))
  })

  it('never throws: neither for an invalid token, nor for an error within', async () => {
    for (const value of [undefined, null, 1, {}, Symbol('x')])
      await expect(explain(value as string)).resolves.toMatchObject({ accepted: false })
    const broken = {
      jwks: undefined,
      keys: {
        resolve: () => Promise.reject(new Error('bug')),
        describe: () => {
          throw new Error('bug')
        },
      },
    }
    await expect(explainClaims(accessClaims(), broken)).resolves.toMatchObject({ accepted: false })
    const refusing = { checks: [{ name: 'denylist', check: () => Promise.reject(new AuthError('token_refused')) }] }
    await expect(explainClaims(accessClaims(), refusing)).resolves.toMatchObject({
      accepted: false,
      code: 'token_refused',
    })
    let reads = 0
    const clockless = {
      clock: {
        now: () => {
          reads += 1
          if (reads > 1) throw new Error('no clock')
          return NOW * 1000
        },
      },
    }
    await expect(explainClaims(accessClaims(), clockless)).resolves.toMatchObject({ accepted: false })
  })

  it('never quotes the token, and escapes and shortens values from it', async () => {
    const token = await key.sign(accessClaims({ iss: `\u202eevil\u001b[0m${'x'.repeat(1000)}` }))
    const text = JSON.stringify(await explain(token))
    for (const part of token.split('.')) expect(text).not.toContain(part)
    expect(text).not.toMatch(/\u202e|\u001b/)
    expect(text).not.toContain('x'.repeat(200))
  })

  it('reports an error within as an unexpected error, in the step where it occurred', async () => {
    const broken = (thrown: unknown): object => {
      const resolve = (): never => {
        throw thrown
      }
      return { jwks: undefined, keys: { resolve } }
    }
    const explanation = await explainClaims(accessClaims(), broken(new Error('bug')))
    expect(step(explanation, 'key')).toEqual({
      step: 'key',
      result: 'failed',
      actual: 'an unexpected error',
      hint: '"bug"',
    })
    expect(explanation).toMatchObject({ accepted: false, summary: 'Refused: "bug"' })
    expect(explanation).not.toHaveProperty('code')
    const odd = await explainClaims(accessClaims(), broken('text'))
    expect(odd.summary).toBe('Refused: "Application code threw a value that is not an Error, of type string"')
  })

  it('accepts any issuer if configured', async () => {
    expect(step(await explainClaims(accessClaims(), { issuer: null }), 'issuer')).toMatchObject({
      result: 'passed',
      expected: '"any issuer"',
    })
  })

  it('names a step once, and omits missing details of a refusal', async () => {
    const skipped = await explainClaims(accessClaims({ iss: 'x' }), { algorithms: ['RS256'] })
    expect(results(skipped).filter((line) => line.startsWith('key') || line.startsWith('signature'))).toEqual([
      'key skipped',
      'signature skipped',
    ])
    expect(Object.keys(step(skipped, 'key') ?? {})).toEqual(['step', 'result'])
    const refusing = { checks: [{ name: 'denylist', check: () => Promise.reject(new AuthError('token_refused')) }] }
    expect(step(await explainClaims(accessClaims(), refusing), 'checks')).toEqual({
      step: 'checks',
      result: 'failed',
      code: 'token_refused',
    })
  })

  it("gives the reason why an issuer cannot be looked up, not the rules of another issuer's policy", async () => {
    const policy = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
    const issuers = async (iss: string): Promise<object> => {
      if (iss === ISSUER) return policy
      throw new AuthError('keys_unavailable')
    }
    const verifier = createVerifier({ issuers, clock } as VerifierOptions)
    await verifier.verify(await key.sign(accessClaims()))
    const token = await key.sign(accessClaims({ iss: 'https://other.example', aud: 'https://other-api.example' }))
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'keys_unavailable' })
    expect((await verifier.explain(token)).code).toBe('keys_unavailable')
  })

  it('does not compare a token of an unknown issuer with the one policy that a function has returned so far', async () => {
    const policy = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
    const issuers = async (iss: string): Promise<object | undefined> => (iss === ISSUER ? policy : undefined)
    const verifier = createVerifier({ issuers, clock } as VerifierOptions)
    await verifier.verify(await key.sign(accessClaims()))
    const explanation = await verifier.explain(await key.sign(accessClaims({ iss: 'https://other.example' })))
    expect(explanation.code).toBe('issuer_unknown')
    expect(results(explanation)).toEqual([
      'time passed',
      'parse passed',
      'issuer failed',
      'algorithm skipped',
      'key skipped',
      'signature skipped',
      'claims skipped',
    ])
  })
})
