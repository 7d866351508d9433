import { describe, expect, it } from 'vitest'

import { accessClaims, AUDIENCE, createSigningKey, ISSUER, NOW } from '../../support/core/jose-tokens.ts'
import { signedClaims, type VerifiedToken } from '../../../packages/core/src/model/token.ts'
import type { VerifyContext } from '../../../packages/core/src/pipeline/run-steps.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'
import {
  createMemoryDenylist,
  denylist,
  type Denylist,
  type DenylistOptions,
  type DenylistStore,
} from '../../../packages/core/src/denylist/index.ts'

const key = await createSigningKey()

// A verifier and its denylist, with one clock that the test advances.
const setUp = (changes: Partial<DenylistOptions> = {}, rules: object = {}) => {
  let at = NOW
  const clock = { now: () => at * 1000, monotonic: () => at * 1000 }
  const store = changes.store ?? createMemoryDenylist({ clock })
  const denied = denylist({ clock, ...changes, store })
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: key.jwks,
    clock,
    checks: [denied],
    ...rules,
  })
  const answerTo = async (claims: Record<string, unknown>, context?: VerifyContext): Promise<string> =>
    verifier.verify(await key.sign(claims), context).then(
      () => 'verified',
      ({ status, code }: { status: number; code: string }) => `${status} ${code}`,
    )
  const pass = (seconds: number): void => {
    at += seconds
  }
  return { ...denied, denied, verifier, store, clock, pass, answerTo }
}

const verified = (claims: Record<string, unknown>): Parameters<Denylist['denyToken']>[0] => ({ claims })
const REFUSED = '401 token_refused'

describe('denyToken', () => {
  it('revokes the verified token, and no other of its session', async () => {
    const { verifier, denyToken, answerTo } = setUp()
    const session = { sid: 'session-1' }
    const token = await key.sign(accessClaims(session))
    await denyToken(await verifier.verify(token))
    await expect(verifier.verify(token)).rejects.toMatchObject({
      code: 'token_refused',
      status: 401,
      error: 'invalid_token',
    })
    expect(await answerTo(accessClaims({ ...session, jti: 'token-2' }))).toBe('verified')
    expect(await answerTo(accessClaims({ ...session, jti: 'TOKEN-1' }))).toBe('verified')
    expect(await answerTo(accessClaims({ ...session, jti: undefined }))).toBe('verified')
  })

  it('revokes it permanently, whenever it was issued', async () => {
    const { denyToken, answerTo } = setUp()
    await denyToken(verified(accessClaims()))
    for (const iat of [NOW - 600, NOW, NOW + 60, undefined]) expect(await answerTo(accessClaims({ iat }))).toBe(REFUSED)
  })

  it('keeps the entry to the last second in which a verifier accepts the token, with any tolerance', async () => {
    const { denyToken, answerTo, pass, clock, store } = setUp({}, { clockTolerance: 300 })
    await denyToken(verified(accessClaims({ exp: NOW + 10 })))
    pass(10 + 299.9)
    // Makes the store remove expired entries.
    const others = denylist({ store, clock })
    for (let index = 0; index < 1100; index += 1)
      await others.denyToken(verified(accessClaims({ jti: `other ${index}` })))
    expect(await answerTo(accessClaims({ exp: NOW + 10 }))).toBe(REFUSED)
    pass(1)
    expect(await answerTo(accessClaims({ exp: NOW + 10 }))).toBe('401 token_expired')
  })

  it('keeps the entry longer by maxLag, because tokens can be verified as of an earlier time', async () => {
    const until: number[] = []
    const store: DenylistStore = {
      find: async (keys) => keys.map(() => undefined),
      add: async (_, { expiresAt }) => void until.push(expiresAt),
    }
    const exp = NOW + 600.2
    await setUp({ store }).denyToken(verified(accessClaims({ exp })))
    await setUp({ store, maxLag: 3600 }).denyToken(verified(accessClaims({ exp })))
    expect(until).toEqual([NOW + 901, NOW + 4501])
  })

  it('revokes a token that never expires, and keeps the entry until the year 9999', async () => {
    const until: number[] = []
    const store: DenylistStore = {
      find: async (keys) => keys.map(() => undefined),
      add: async (_, { expiresAt }) => void until.push(expiresAt),
    }
    const forever = accessClaims({ sub: undefined, exp: 253_402_300_799 })
    await setUp({ store, maxLag: 3600 }).denyToken(verified(forever))
    expect(until).toEqual([253_402_300_799])
    const { denyToken, answerTo } = setUp()
    expect(await answerTo(forever)).toBe('verified')
    await denyToken(verified(forever))
    expect(await answerTo(forever)).toBe(REFUSED)
  })

  it('also refuses it as of an earlier time', async () => {
    const { denyToken, answerTo, pass } = setUp({ maxLag: 3600 })
    const claims = accessClaims({ exp: NOW + 60 })
    await denyToken(verified(claims))
    pass(1800)
    expect(await answerTo(claims, { asOf: { time: NOW, maxLag: 3600 } })).toBe(REFUSED)
  })

  it.each([
    ['without jti', accessClaims({ jti: undefined }), 'give a token with "jti", found "undefined"'],
    ['with an empty jti', accessClaims({ jti: '' }), 'give a token with "jti", found "string"'],
    ['without exp', accessClaims({ exp: undefined }), 'give a verified token, which has an "exp"'],
  ])('rejects with a TypeError for a token %s', async (_, claims, message) => {
    const { denyToken } = setUp()
    await expect(denyToken(verified(claims))).rejects.toThrow(TypeError)
    await expect(denyToken(verified(claims))).rejects.toThrow(`Cannot deny tokens: ${message}`)
  })
})

describe('a denylist behind a schema that rewrites claims', () => {
  const rewriting = (value: (claims: Record<string, unknown>) => object) => ({
    claims: {
      '~standard': { version: 1, vendor: 'test', validate: (claims: unknown) => ({ value: value(claims as never) }) },
    },
  })
  const tenantOf = rewriting(({ iss, jti }) => ({ iss: 'tenant-1', jti: `tenant-1:${String(jti)}`, tenant: iss }))

  it.each<[string, object]>([
    ['iss', rewriting(() => ({ iss: 'tenant-1' }))],
    ['jti', rewriting(({ jti }) => ({ jti: `tenant-1:${String(jti)}` }))],
    ['jti into an object', rewriting(({ jti }) => ({ jti: { id: jti } }))],
    ['jti away', rewriting(() => ({ jti: undefined }))],
    ['exp into a Date', rewriting(({ exp }) => ({ exp: new Date(Number(exp) * 1000) }))],
    ['exp to an earlier time', rewriting(() => ({ exp: 1 }))],
    ['sub, iat and sid', rewriting(() => ({ sub: 'bob', iat: new Date(), sid: ['s'] }))],
  ])('denies the signed token if %s is rewritten, cached or not, and its copies', async (_, rules) => {
    for (const tokenCache of [undefined, false])
      for (const copied of ['the token', 'a copy of the token', 'an object with its claims']) {
        const { verifier, denyToken } = setUp({}, { ...rules, ...(tokenCache === false && { tokenCache }) })
        const token = await key.sign(accessClaims())
        await verifier.verify(token)
        const remembered = await verifier.verify(token)
        const { claims } = remembered
        await denyToken({ 'the token': remembered, 'a copy of the token': { ...remembered } }[copied] ?? { claims })
        await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_refused', status: 401 })
      }
  })

  it('rejects a copy of the claims, which does not contain the signed ones, and says what to pass', async () => {
    const { verifier, denyToken, answerTo } = setUp({}, tenantOf)
    const { claims } = await verifier.verify(await key.sign(accessClaims()))
    for (const copy of [{ ...claims }, structuredClone(claims), JSON.parse(JSON.stringify(claims)) as typeof claims])
      await expect(denyToken({ claims: copy })).rejects.toThrow(
        'Cannot deny tokens: the "claims" schema rewrites "iss", "jti" or "exp", and a copy of claims does not say what was signed. ' +
          'Give the token itself, as getAuth(req) does, or { claims: signedClaims(token) }',
      )
    expect(await answerTo(accessClaims())).toBe('verified')
  })

  it('accepts signed claims from signedClaims for tokens, subjects and sessions', async () => {
    const rules = rewriting(({ sub }) => ({ iss: 'tenant-1', jti: 'x', sub: `user:${String(sub)}`, sid: 'other' }))
    const { verifier, denyToken, denySubject, denySession, answerTo } = setUp({}, rules)
    const verifiedToken = await verifier.verify(await key.sign(accessClaims({ sid: 'session-1' })))
    const signed = signedClaims(verifiedToken)
    expect(signed).toEqual(accessClaims({ sid: 'session-1' }))
    expect(signedClaims({ ...verifiedToken })).toBe(signed)
    expect(verifiedToken.claims).toMatchObject({ iss: 'tenant-1', sub: 'user:ada' })
    await denyToken({ claims: signed })
    expect(await answerTo(accessClaims())).toBe(REFUSED)
    expect(await answerTo(accessClaims({ jti: '2', sid: 'session-1' }))).toBe('verified')
    await denySession(signed.iss ?? null, String(signed['sid']))
    expect(await answerTo(accessClaims({ jti: '2', sid: 'session-1' }))).toBe(REFUSED)
    expect(await answerTo(accessClaims({ jti: '3' }))).toBe('verified')
    await denySubject(signed.iss ?? null, String(signed.sub))
    expect(await answerTo(accessClaims({ jti: '3' }))).toBe(REFUSED)
  })

  it('accepts copies if the schema does not change iss, jti and exp, and tokens of another verifier without a schema', async () => {
    const typed = setUp(
      {},
      rewriting(({ sub }) => ({ sub: `user:${String(sub)}` })),
    )
    const { claims } = await typed.verifier.verify(await key.sign(accessClaims()))
    await typed.denyToken({ claims: { ...claims } })
    expect(await typed.answerTo(accessClaims())).toBe(REFUSED)

    const { denied, verifier, clock, denyToken } = setUp({}, tenantOf)
    const plain = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks, clock, checks: [denied] })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    await denyToken(await plain.verify(token))
    for (const either of [verifier, plain])
      await expect(either.verify(token)).rejects.toMatchObject({ code: 'token_refused' })
  })

  it('checks the signed claims of a token that the application checks again, as for a long-lived connection', async () => {
    const { denied, verifier, denyToken } = setUp({}, tenantOf)
    const connected = await verifier.verify(await key.sign(accessClaims()))
    await expect(denied.check(connected)).resolves.toBeUndefined()
    await denyToken(connected)
    await expect(denied.check(connected)).rejects.toMatchObject({ code: 'token_refused' })
  })

  it('passes the signed claims to checks of the application', async () => {
    const seen: unknown[] = []
    const check = async ({ claims }: VerifiedToken): Promise<void> => void seen.push(claims)
    const { verifier } = setUp({}, { ...tenantOf, checks: [{ name: 'own', check }] })
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    await verifier.verify(token)
    expect(seen).toEqual([accessClaims(), accessClaims()])
  })
})

describe('denySubject', () => {
  it('revokes tokens issued so far, also by a clock that is ahead, and accepts those of a later log-in', async () => {
    const { denySubject, answerTo, pass } = setUp()
    await denySubject(ISSUER, 'ada')
    pass(30)
    for (const iat of [NOW - 60, NOW, NOW + 59, NOW + 60]) expect(await answerTo(accessClaims({ iat }))).toBe(REFUSED)
    expect(await answerTo(accessClaims({ iat: NOW + 61 }))).toBe('verified')
    expect(await answerTo(accessClaims({ sub: 'bob' }))).toBe('verified')
  })

  it('accepts tokens of the next second if the time is that of the issuer', async () => {
    const { denySubject, answerTo, pass } = setUp()
    await denySubject(ISSUER, 'ada', { issuedUpTo: NOW })
    pass(1)
    expect(await answerTo(accessClaims({ iat: NOW }))).toBe(REFUSED)
    expect(await answerTo(accessClaims({ iat: NOW + 1 }))).toBe('verified')
  })

  it.each([
    ['now', undefined],
    ['long ago', NOW - 86_400],
    ['a future time', NOW + 86_400],
  ])(
    'keeps the entry until a token of that time, or of now, has expired, if it revokes those up to %s',
    async (_, issuedUpTo) => {
      const until: number[] = []
      const store: DenylistStore = {
        find: async (keys) => keys.map(() => undefined),
        add: async (__, { expiresAt }) => void until.push(expiresAt),
      }
      const { denySubject } = setUp({ store, maxLifetime: 600 })
      await denySubject(ISSUER, 'ada', issuedUpTo === undefined ? {} : { issuedUpTo })
      expect(until).toEqual([Math.max(NOW + 60, issuedUpTo ?? 0) + 600 + 300])
    },
  )

  it('never restores what an earlier call has revoked', async () => {
    const { denySubject, answerTo } = setUp()
    await denySubject(ISSUER, 'ada', { issuedUpTo: NOW })
    await denySubject(ISSUER, 'ada', { issuedUpTo: NOW - 600 })
    expect(await answerTo(accessClaims({ iat: NOW }))).toBe(REFUSED)
  })

  it('refuses tokens without iat', async () => {
    const { denySubject, answerTo } = setUp()
    await denySubject(ISSUER, 'ada')
    expect(await answerTo(accessClaims({ iat: undefined }))).toBe(REFUSED)
    expect(await answerTo(accessClaims({ iat: undefined, sub: 'bob' }))).toBe('verified')
  })

  it('treats a subject of null as absent', async () => {
    const { denySubject, answerTo } = setUp()
    await denySubject(ISSUER, 'null')
    await expect(denySubject(ISSUER, null as unknown as string)).rejects.toThrow('give a subject')
    expect(await answerTo(accessClaims({ sub: null }))).toBe('verified')
    expect(await answerTo(accessClaims({ sub: null, jti: undefined }))).toBe('verified')
    expect(await answerTo(accessClaims({ sub: 'null' }))).toBe(REFUSED)
  })

  it('uses the signed claims, whatever a schema returns', async () => {
    const value = { iat: new Date(NOW * 1000), sub: 'bob' }
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value }) } }
    const { denySubject, answerTo } = setUp({}, { claims: schema })
    await denySubject(ISSUER, 'ada')
    expect(await answerTo(accessClaims())).toBe(REFUSED)
    expect(await answerTo(accessClaims({ sub: 'bob' }))).toBe('verified')
  })

  it.each([-1, 1e11, NOW * 1000, Number.NaN])('rejects with a TypeError for a time of %d', async (issuedUpTo) => {
    await expect(setUp().denySubject(ISSUER, 'ada', { issuedUpTo })).rejects.toThrow(
      'Cannot deny tokens: "issuedUpTo" must be seconds since the epoch',
    )
  })
})

describe('denySession', () => {
  it('revokes every token of the session, whenever it was issued', async () => {
    const { denySession, answerTo, pass } = setUp()
    await denySession(ISSUER, 'session-1')
    pass(600)
    for (const iat of [NOW - 60, NOW + 600, undefined])
      expect(await answerTo(accessClaims({ sid: 'session-1', iat, exp: NOW + 1200 }))).toBe(REFUSED)
    expect(await answerTo(accessClaims({ sid: 'session-2' }))).toBe('verified')
    expect(await answerTo(accessClaims())).toBe('verified')
  })

  it.each([42, null, ['session-1'], { id: 'session-1' }])('refuses a token whose sid is %j', async (sid) => {
    expect(await setUp().answerTo(accessClaims({ sid }))).toBe('401 claim_malformed')
  })
})

describe.each(['denySubject', 'denySession'] as const)('%s', (deny) => {
  it('remains in effect until the longest-lived token has expired', async () => {
    const maxLifetime = 7200
    const { [deny]: end, answerTo, pass } = setUp({ maxLifetime, clockTolerance: 60 }, { clockTolerance: 300 })
    await end(ISSUER, 'ada')
    const last = accessClaims({ sid: 'ada', iat: NOW + 60, exp: NOW + 60 + maxLifetime })
    pass(maxLifetime + 60 + 299.9)
    for (let index = 0; index < 1100; index += 1) await end(ISSUER, `other ${index}`)
    expect(await answerTo(last)).toBe(REFUSED)
    pass(1)
    expect(await answerTo(last)).toBe('401 token_expired')
  })

  it.each([
    ['an empty name', ISSUER, ''],
    ['no name', ISSUER, undefined],
    ['an empty issuer', '', 'ada'],
    ['no issuer', undefined, 'ada'],
  ])('rejects with a TypeError for %s', async (_, issuer, name) => {
    const end = setUp()[deny] as (...given: unknown[]) => Promise<void>
    await expect(end(issuer, name)).rejects.toThrow(TypeError)
  })
})

describe('a denylist', () => {
  it('separates issuers and claims', async () => {
    const { denyToken, denySubject, denySession, answerTo } = setUp({}, { issuer: null })
    await denyToken(verified(accessClaims({ jti: 'a' })))
    await denySubject(ISSUER, 'b')
    await denySession(ISSUER, 'c')
    const of = (jti: string, sub: string, sid: string, iss: string | null = ISSUER) =>
      answerTo(accessClaims({ jti, sub, sid, iss: iss ?? undefined }))
    expect([await of('a', 'x', 'x'), await of('x', 'b', 'x'), await of('x', 'x', 'c')]).toEqual([
      REFUSED,
      REFUSED,
      REFUSED,
    ])
    expect([await of('b', 'c', 'a'), await of('c', 'a', 'b')]).toEqual(['verified', 'verified'])
    expect(await of('a', 'b', 'c', 'https://other.example')).toBe('verified')
    expect(await of('a', 'b', 'c', null)).toBe('verified')
    await denySession(null, 'c')
    expect(await of('a', 'b', 'c', null)).toBe(REFUSED)
    expect(await of('a', 'b', 'c', 'https://other.example')).toBe('verified')
  })

  it('asks the store once per token, and not at all for one without a key', async () => {
    const asked: (readonly string[])[] = []
    const store: DenylistStore = {
      find: async (keys) => {
        asked.push(keys)
        return keys.map(() => undefined)
      },
      add: async () => {},
    }
    const { answerTo } = setUp({ store })
    expect(await answerTo(accessClaims({ sid: 'session-1' }))).toBe('verified')
    expect(asked.map(({ length }) => length)).toEqual([3])
    expect(await answerTo(accessClaims({ jti: undefined, sub: undefined }))).toBe('verified')
    expect(asked).toHaveLength(1)
  })

  it('refuses tokens that would outlive its entries, and says what to do', async () => {
    const { answerTo, verifier } = setUp({ maxLifetime: 600 })
    expect(await answerTo(accessClaims({ iat: NOW - 1, exp: NOW + 599 }))).toBe('verified')
    expect(await answerTo(accessClaims({ iat: NOW - 1, exp: NOW + 600 }))).toBe('401 token_lifetime_too_long')
    expect(await answerTo(accessClaims({ iat: undefined, exp: NOW + 660 }))).toBe('verified')
    expect(await answerTo(accessClaims({ iat: undefined, exp: NOW + 661 }))).toBe('401 token_lifetime_too_long')
    expect(await answerTo(accessClaims({ sub: undefined, sid: 'x', exp: NOW + 900 }))).toBe(
      '401 token_lifetime_too_long',
    )
    expect(await answerTo(accessClaims({ sub: undefined, exp: NOW + 900 }))).toBe('verified')
    await expect(verifier.verify(await key.sign(accessClaims({ exp: NOW + 900 })))).rejects.toThrow(
      'expected "at most 600 s", found "960 s". The denylist keeps its entries no longer: if the issuer is right, raise its "maxLifetime"',
    )
  })

  it('logs which claim caused the refusal, and none of its values', async () => {
    const { denySession, verifier } = setUp()
    await denySession(ISSUER, 'secret-session')
    const token = await key.sign(accessClaims({ sid: 'secret-session' }))
    await expect(verifier.verify(token)).rejects.toThrow(
      'A token check refused the token: expected "a token that is not on the denylist", found "a revoked session". The client needs a new token',
    )
    const { summary } = await verifier.explain(token)
    expect(summary).toMatch(/^Refused \(token_refused\)/)
    expect(summary).not.toContain('secret-session')
  })
})

describe('options of a denylist', () => {
  const store = createMemoryDenylist()
  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /give an object with options, found nothing/],
    ['no store', {}, /"store" must be an object \{ find, add \}/],
    ['a store that cannot add', { store: { find: async () => [] } }, /"store" must be an object/],
    ['a typo', { store, maxLifeTime: 60 }, /there is no option "maxLifeTime"; did you mean "maxLifetime"/],
    ['no lifetime', { store, maxLifetime: 0 }, /"maxLifetime" must be a number of seconds from 1 to 31536000, found 0/],
    [
      'a tolerance above that of verifiers',
      { store, clockTolerance: 301 },
      /"clockTolerance" must be .* from 0 to 300/,
    ],
    ['an infinite lag', { store, maxLag: Number.POSITIVE_INFINITY }, /"maxLag"/],
    ['a lag of null', { store, maxLag: null }, /"maxLag"/],
    ['a timeout that is text', { store, timeout: '1' }, /"timeout" must be a number of seconds from 0.001 to 30/],
    ['a clock in seconds', { store, clock: { now: () => NOW } }, /"clock.now" must return milliseconds/],
  ])('must not be %s', (_, options, message) => {
    expect(() => denylist(options as DenylistOptions)).toThrow(message)
  })
})
