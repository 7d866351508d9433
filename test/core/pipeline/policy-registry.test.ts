import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { policyList, policyResolver, singlePolicy } from '../../../packages/core/src/pipeline/policy-registry.ts'
import type { ResolvedPolicy } from '../../../packages/core/src/pipeline/policy.ts'

const tenants = {
  issuerOf: ({ tid }: { tid?: unknown }) => (tid === 'a' || tid === 'b' ? `https://i/${tid}` : undefined),
  hintOf: ({ tid }: { tid?: unknown }) => (tid === undefined ? 'No tenant' : undefined),
}
const policyOf = (issuer: string | null, provider: object = {}): ResolvedPolicy => ({ issuer, provider }) as never

/** The issuer of the policy, or why there is none. */
async function selected(registry: ReturnType<typeof singlePolicy>, claims: Claims): Promise<unknown> {
  let found: unknown
  try {
    found = await registry.select(claims)
  } catch (error) {
    found = error
  }
  if (!(found instanceof AuthError)) return found instanceof Error ? found : (found as ResolvedPolicy).issuer
  const { code, expected, actual, hint } = found
  return [code, expected, actual, hint]
}

describe('a single policy', () => {
  const single = singlePolicy(policyOf('https://a'))
  it.each<readonly [unknown, unknown]>([
    ['https://a', 'https://a'],
    [undefined, ['issuer_missing', '"https://a"', 'nothing', undefined]],
    ['https://b', ['issuer_mismatch', '"https://a"', '"https://b"', undefined]],
    ['https://a/', ['issuer_mismatch', '"https://a"', '"https://a/"', 'They differ only by a trailing slash']],
    [['https://a'], ['issuer_mismatch', '"https://a"', '["https://a"]', 'iss must be a string']],
  ])('is for tokens with iss %j', async (iss, expected) => {
    expect(await selected(single, { iss } as Claims)).toEqual(expected)
  })

  it('of any issuer is for every token', async () => {
    const any = singlePolicy(policyOf(null))
    for (const iss of ['https://a', undefined, 1]) expect(await selected(any, { iss } as Claims)).toBeNull()
    expect([[...any.known()].length, any.areFixed]).toEqual([1, true])
  })

  it('with tenants is for the tenant that the token names', async () => {
    const registry = singlePolicy(policyOf('https://i/{tid}', tenants))
    expect(await selected(registry, { iss: 'https://i/a', tid: 'a' })).toBe('https://i/{tid}')
    for (const claims of [
      { iss: 'https://i/a', tid: 'b' },
      { iss: 'https://i/c', tid: 'c' },
      { iss: 'https://i/{tid}' },
    ])
      expect(await selected(registry, claims)).toMatchObject({ 0: 'issuer_mismatch' })
    expect(await selected(registry, { iss: 'x' })).toEqual(['issuer_mismatch', '"https://i/{tid}"', '"x"', 'No tenant'])
    expect(await selected(registry, { tid: 'c' })).toMatchObject({ 0: 'issuer_missing' })
  })
})

describe('a list of policies', () => {
  const list = (): ReturnType<typeof policyList> =>
    policyList([
      policyOf('https://a'),
      policyOf('https://i/{tid}', tenants),
      policyOf('https://b', { hintOf: () => undefined }),
    ])
  const ALL = '["https://a","https://i/{tid}","https://b"]'

  it.each<readonly [Claims, unknown]>([
    [{ iss: 'https://b' }, 'https://b'],
    [{ iss: 'https://i/b', tid: 'b' }, 'https://i/{tid}'],
    [{ iss: 'https://i/a', tid: 'b' }, ['issuer_unknown', ALL, '"https://i/a"', undefined]],
    [{ iss: 'https://i/{tid}', tid: 'c' }, ['issuer_unknown', ALL, '"https://i/{tid}"', undefined]],
    [{ iss: 'https://c' }, ['issuer_unknown', ALL, '"https://c"', 'No tenant']],
    [{ iss: 'https://A', tid: 'c' }, ['issuer_unknown', ALL, '"https://A"', 'They differ only by case']],
    [{ iss: 1 as never }, ['issuer_unknown', ALL, '1', 'iss must be a string']],
    [{}, ['issuer_missing', ALL, 'nothing', undefined]],
  ])('has for %j', async (claims, expected) => {
    expect(await selected(list(), claims)).toEqual(expected)
  })

  it('names ten issuers, and compares a hundred', async () => {
    const many = policyList(Array.from({ length: 120 }, (_, index) => policyOf(`i${index}`)))
    const [, expected, , hint] = (await selected(many, { iss: 'i99/' })) as readonly string[]
    expect(JSON.parse(expected ?? '')).toEqual(Array.from({ length: 10 }, (_, index) => `i${index}`))
    expect(hint).toBe('They differ only by a trailing slash')
    const [, , , none] = (await selected(many, { iss: 'i100/' })) as readonly unknown[]
    expect(none).toBeUndefined()
    const hinting = (from: number) =>
      policyList(
        Array.from({ length: 120 }, (_, index) => policyOf(`i${index}`, index < from ? {} : { hintOf: () => 'Told' })),
      )
    expect(await selected(hinting(99), { iss: 'x' })).toMatchObject({ 3: 'Told' })
    expect(await selected(hinting(100), { iss: 'x' })).toMatchObject({ 3: undefined })
  })

  it('is fixed, and known', () => {
    const known = [...list().known()].map(({ issuer }) => issuer)
    expect([known, list().areFixed]).toEqual([['https://a', 'https://i/{tid}', 'https://b'], true])
  })

  it.each<readonly [string, readonly ResolvedPolicy[], string]>([
    ['empty', [], '"issuers" must not be empty'],
    ['of any issuer', [policyOf(null)], 'with several issuers, each needs an "issuer", found null'],
    ['with an issuer twice', [policyOf('a'), policyOf('a')], '"issuers" names an issuer twice, found "a"'],
  ])('cannot be %s', (_, policies, message) => {
    expect(() => policyList(policies)).toThrow(new TypeError(`Cannot create verifier: ${message}`))
  })
})

describe('a function that finds policies', () => {
  const resolving = (find: (iss: string) => unknown, provider: object = {}) => {
    let made = 0
    const registry = policyResolver((async (iss: string) => find(iss)) as never, (options) => {
      made += 1
      return { ...policyOf(options.issuer, provider), made } as never
    })
    return { registry, made: () => made }
  }

  it('is asked for every token, and its policy is made once', async () => {
    const { registry, made } = resolving((iss) => ({ issuer: iss, audience: 'a' }))
    expect(await selected(registry, { iss: 'https://a' })).toBe('https://a')
    expect(await selected(registry, { iss: 'https://a' })).toBe('https://a')
    expect(await selected(registry, { iss: 'https://b' })).toBe('https://b')
    expect([made(), [...registry.known()].map(({ issuer }) => issuer), registry.areFixed]).toEqual([
      2,
      ['https://a', 'https://b'],
      false,
    ])
  })

  it('forgets an issuer that it no longer has, and makes a changed policy again', async () => {
    let audience: string | undefined = 'a'
    const { registry, made } = resolving((iss) => audience && { issuer: iss, audience })
    await registry.select({ iss: 'https://a' })
    audience = undefined
    expect(await selected(registry, { iss: 'https://a' })).toEqual([
      'issuer_unknown',
      undefined,
      '"https://a"',
      undefined,
    ])
    expect([...registry.known()]).toEqual([])
    audience = 'a'
    await registry.select({ iss: 'https://a' })
    audience = 'b'
    await registry.select({ iss: 'https://a' })
    expect(made()).toBe(3)
  })

  it.each<readonly [Claims, unknown]>([
    [{}, ['issuer_missing', '[]', 'nothing', undefined]],
    [{ iss: ['https://a'] as never }, ['issuer_unknown', undefined, '["https://a"]', 'iss must be a string']],
    [{ iss: 'https://none' }, ['issuer_unknown', undefined, '"https://none"', undefined]],
  ])('knows nothing of %j', async (claims, expected) => {
    const asked: string[] = []
    const { registry } = resolving((iss) => void asked.push(iss))
    expect(await selected(registry, claims)).toEqual(expected)
    expect(asked).toEqual(typeof claims.iss === 'string' ? ['https://none'] : [])
  })

  it.each<readonly [string, unknown, string]>([
    [
      'another issuer',
      { issuer: 'https://b' },
      'Cannot resolve issuer: the function must give the policy of the issuer it was asked for, found "https://b"',
    ],
    [
      'no issuer',
      { issuer: undefined },
      'Cannot resolve issuer: the function must give the policy of the issuer it was asked for, found nothing',
    ],
    [
      'another issuer of a provider without tenants',
      { issuer: 'https://b', provider: {} },
      'the function must give the policy of the issuer it was asked for',
    ],
    ['a text', 'https://a', 'the function must give the policy of the issuer it was asked for'],
  ])('is not available if it gives %s', async (_, given, message) => {
    const { registry } = resolving(() => given)
    await expect(registry.select({ iss: 'https://a' })).rejects.toMatchObject({
      code: 'issuer_unavailable',
      actual: '"https://a"',
      cause: expect.objectContaining({ message: expect.stringContaining(message) as string }) as unknown,
    })
  })

  it('may refuse a token itself', async () => {
    const { registry } = resolving(() => {
      throw new AuthError('token_refused')
    })
    expect(await selected(registry, { iss: 'https://a' })).toMatchObject({ 0: 'token_refused' })
  })

  it('may give a policy with tenants, for the tenant that the token names', async () => {
    const { registry } = resolving(() => ({ issuer: 'https://i/{tid}', provider: tenants }), tenants)
    expect(await selected(registry, { iss: 'https://i/a', tid: 'a' })).toBe('https://i/{tid}')
    expect(await selected(registry, { iss: 'https://i/a', tid: 'b' })).toEqual([
      'issuer_unknown',
      undefined,
      '"https://i/a"',
      undefined,
    ])
    expect(await selected(registry, { iss: 'https://i/a' })).toEqual([
      'issuer_unknown',
      undefined,
      '"https://i/a"',
      'No tenant',
    ])
  })
})
