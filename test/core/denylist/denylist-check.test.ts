import { createMemoryDenylist, denylist, type DenylistStore } from '@claimgate/core/denylist'
import { describe, expect, it } from 'vitest'
import { clock, ISSUER, NOW } from '../../support/core/jose-tokens.ts'

const token = (claims: object) => ({ claims: { iss: ISSUER, iat: NOW, exp: NOW + 600, ...claims } }) as never
const create = (store: DenylistStore = createMemoryDenylist({ clock })) => denylist({ store, clock })
const long = 'x'.repeat(500)

describe('a denylist as a check', () => {
  it('has a name, for messages', () => {
    expect(create().name).toBe('denylist')
  })

  it.each([
    ['a short jti and a long sub', { jti: 'a', sub: long }],
    ['a long jti and a short sub', { jti: long, sub: 'a' }],
    ['a long jti and a long sid', { jti: long, sid: long }],
    ['a subject that is not ASCII', { jti: 'a', sub: 'é' }],
  ])('refuses each of its claims, whatever their length: %s', async (_, claims) => {
    for (const [name, value] of Object.entries(claims)) {
      const denied = create()
      await denied.check(token(claims), {} as never)
      if (name === 'jti') await denied.denyToken(token({ jti: value }))
      else if (name === 'sub') await denied.denySubject(ISSUER, value)
      else await denied.denySession(ISSUER, value)
      await expect(async () => denied.check(token(claims), {} as never)).rejects.toMatchObject({
        code: 'token_refused',
      })
    }
  })

  it.each(['jti', 'sub', 'sid', 'iss'])('refuses a token of an own verifier whose %s is no text', async (name) => {
    const claims = { jti: 'a', [name]: 1 }
    await expect(async () => create().check(token(claims), {} as never)).rejects.toMatchObject({
      code: 'claim_malformed',
      expected: `"${name}: a string"`,
      actual: '"number"',
    })
  })

  it('treats sub of null as absent, and no other claim', async () => {
    await expect(create().check(token({ jti: 'a', sub: null }), {} as never)).resolves.toBeUndefined()
    for (const name of ['jti', 'sid', 'iss'])
      await expect(async () => create().check(token({ jti: 'a', [name]: null }), {} as never)).rejects.toMatchObject({
        code: 'claim_malformed',
      })
  })

  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['no list', { length: 2, every: () => true }],
    ['too few', [undefined]],
    ['too many', [undefined, undefined, undefined]],
    ['a text beside nothing', [undefined, '1']],
    ['null', [null, undefined]],
    ['NaN', [Number.NaN, undefined]],
  ])('is a bug of a store that answers with %s', async (_, answer) => {
    const { check } = create({ find: async () => answer as never, add: async () => {} })
    await expect(async () => check(token({ jti: 'a', sub: 'b' }), {} as never)).rejects.toThrow(
      new TypeError('The store of a denylist must answer with a number or undefined for each key'),
    )
  })

  it('says that its store is late', async () => {
    const find = (): Promise<never> => new Promise(() => {})
    const { check } = denylist({ store: { find, add: async () => {} }, timeout: 0.001 })
    await expect(async () => check(token({ jti: 'a' }), {} as never)).rejects.toThrow(
      'The store of the denylist has not answered within 0.001 s',
    )
  })
})

describe('a denylist', () => {
  it('revokes what was issued up to the epoch', async () => {
    const denied = create()
    await denied.denySubject(ISSUER, 'ada', { issuedUpTo: 0 })
    await expect(async () => denied.check(token({ sub: 'ada', iat: 0, exp: 600 }), {} as never)).rejects.toMatchObject({
      code: 'token_refused',
    })
    await expect(denied.check(token({ sub: 'ada' }), {} as never)).resolves.toBeUndefined()
  })

  it.each<readonly [string, () => Promise<void>]>([
    ['an issuer', async () => create().denySubject('', 'ada')],
    ['an issuer', async () => create().denySession('', 'ada')],
    ['a subject', async () => create().denySubject(ISSUER, '')],
    ['a session', async () => create().denySession(ISSUER, '')],
    ['a session', async () => create().denySession(ISSUER, undefined as never)],
  ])('says what to give: %s', async (what, deny) => {
    await expect(deny()).rejects.toThrow(`Cannot deny tokens: give ${what}, found `)
  })
})
