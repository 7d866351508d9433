import { inspect } from 'node:util'

import { AuthError, createAuthenticator, createVerifier, scope } from '@claimgate/core'
import { createReferenceVerifier } from '@claimgate/core/extend'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { fuzzRun } from '../../support/fuzz/fuzz-run.ts'
import { cacheKeys, cacheTokens } from '../../support/core/cache-tokens.ts'
import {
  CONTEXTS,
  ENDPOINTS,
  newWorld,
  POLICIES,
  SETS,
  type Setup,
  type Step,
  takeAlike,
  VERDICTS,
  type World,
} from '../../support/core/cache-world.ts'
import { accessClaims, type Answer, bearer, describeOutcome, NOW, optionsWith } from '../../support/core/refusal.ts'

const { seed, count } = fuzzRun(process.env)
const keys = await cacheKeys()
const tokens = await cacheTokens(keys)

// Jitter would be the only difference between two worlds.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.5))
afterEach(() => void vi.restoreAllMocks())

const places = fc.constantFrom('a' as const, 'b' as const)
const verify: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('verify' as const),
  token: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('lasting', 'of the second key', 'short', 'without kid') },
    { weight: 2, arbitrary: fc.constantFrom(...tokens.keys()) },
  ),
  context: fc.oneof({ weight: 4, arbitrary: fc.constant('none' as const) }, fc.constantFrom(...CONTEXTS)),
  times: fc.constantFrom(1, 1, 1, 3),
})
const elsewhere: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('pass' as const),
    seconds: fc.constantFrom(0.5, 1, 5, 29, 31, 59, 61, 85, 95, 299, 300, 301, 480, 541, 600, 3600, 4201),
  }),
  fc.record({
    do: fc.constant('step wall' as const),
    seconds: fc.constantFrom(-1, 1, -30, 59, 61, 90, 96, -3600, 3600, -86_400, 86_400),
  }),
  fc.record({ do: fc.constant('publish' as const), at: places, set: fc.constantFrom(...SETS) }),
  fc.record({ do: fc.constant('endpoint' as const), at: places, is: fc.constantFrom('up', ...ENDPOINTS) }),
  fc.record({ do: fc.constant('policy' as const), is: fc.constantFrom('usual', ...POLICIES) }),
  fc.record({
    do: fc.constant('decide' as const),
    who: fc.constantFrom('predicate', 'schema', 'check'),
    answer: fc.constantFrom('yes', ...VERDICTS),
  }),
)
const steps = fc.array(fc.oneof({ weight: 2, arbitrary: verify }, elsewhere), {
  minLength: 5,
  maxLength: 40,
  size: 'max',
})

const setups: fc.Arbitrary<Setup> = fc.record({
  trusts: fc.constantFrom('one issuer', 'a list', 'a function', 'a function that gives new objects'),
  source: fc.constantFrom(
    'an address',
    'an address',
    'own, asked for',
    'own, new each time',
    'own, cached',
    'own, several',
  ),
  clockTolerance: fc.constantFrom(0, 5, 300),
  freshFor: fc.constantFrom(60, 600),
  maxAge: fc.constantFrom(undefined, undefined, 150),
  tokenCache: fc.constantFrom({}, {}, { maxEntries: 2 }, { maxAge: 30 }, { maxBytes: 65_536 }),
  with: fc.constantFrom('nothing', 'nothing', 'predicate', 'schema', 'check', 'everything'),
})

const makeWorld = (setup: Setup, create: Parameters<typeof newWorld>[2] = createVerifier): World =>
  newWorld(setup, { keys, tokens }, create)

function worldsOf(setup: Setup): Readonly<Record<'reference' | 'uncached' | 'cached', World>> {
  return {
    reference: makeWorld(setup, createReferenceVerifier),
    uncached: makeWorld(setup, (options) => createVerifier({ ...options, tokenCache: false })),
    cached: makeWorld(setup),
  }
}

const CODES: string[] =
  `verified token_expired token_not_yet_valid token_issued_in_future token_too_old signature_invalid key_not_found
  key_ambiguous keys_unavailable algorithm_not_allowed issuer_unknown issuer_mismatch issuer_unavailable audience_mismatch
  claim_missing claim_mismatch claims_schema token_refused check_unavailable binding_unsupported verification_time
  token_malformed`.split(/\s+/)

const codesIn = (answers: unknown): readonly string[] =>
  Array.isArray(answers) ? answers.map((answer: { code?: string }) => answer.code ?? 'verified') : []

const USUAL: Setup = {
  trusts: 'one issuer',
  source: 'an address',
  clockTolerance: 0,
  freshFor: 600,
  maxAge: undefined,
  tokenCache: {},
  with: 'nothing',
}

/** The number of signatures verified so far by the runtime. */
function countSignatures(): () => number {
  const { mock } = vi.spyOn(crypto.subtle, 'verify')
  return () => mock.calls.length
}

const show = (token: string, context: (typeof CONTEXTS)[number] = 'none', times = 1): Step => ({
  do: 'verify',
  token,
  context,
  times,
})
const pass = (seconds: number): Step => ({ do: 'pass', seconds })
const stepWall = (seconds: number): Step => ({ do: 'step wall', seconds })

describe('33. A verifier with a token cache answers like one without', () => {
  it('after any sequence of tokens, clocks, keys, endpoints, policies and application results', async () => {
    const seen = new Set<string>()
    const signatures = countSignatures()
    const spent = { reference: 0, uncached: 0, cached: 0 }
    const counted = ([name, world]: [string, World]): [string, World] => {
      const take: World['take'] = async (step) => {
        const before = signatures()
        const outcome = await world.take(step)
        spent[name as keyof typeof spent] += signatures() - before
        return outcome
      }
      return [name, { ...world, take }]
    }
    await fc.assert(
      fc.asyncProperty(setups, steps, async (setup, list) => {
        const worlds = Object.fromEntries(Object.entries(worldsOf(setup)).map(counted))
        for (const step of list) for (const code of codesIn(await takeAlike(worlds, step))) seen.add(code)
      }),
      { numRuns: Math.ceil(count / 1400), seed },
    )
    // A run without these, or with few cache hits, tests little.
    expect([...seen]).toEqual(expect.arrayContaining(CODES))
    expect(spent.uncached).toBe(spent.reference)
    expect(spent.cached).toBeLessThan(spent.uncached * 0.8)
  }, 600_000)

  /** Takes the same steps in all worlds; returns the answers of the last one. */
  const play = async (setup: Partial<Setup>, ...list: readonly Step[]): Promise<readonly string[]> => {
    const worlds = worldsOf({ ...USUAL, ...setup })
    let codes: readonly string[] = []
    for (const step of list) codes = codesIn(await takeAlike(worlds, step))
    return codes
  }
  it('at exp and after it, before nbf and iat, and wherever the clock is stepped to', async () => {
    expect(await play({}, show('short'), pass(89), show('short'))).toEqual(['verified'])
    expect(await play({}, show('short'), pass(90), show('short'))).toEqual(['token_expired'])
    expect(await play({}, show('short'), stepWall(90), show('short'))).toEqual(['token_expired'])
    expect(await play({}, show('lasting'), stepWall(-121), show('lasting'))).toEqual(['token_issued_in_future'])
    expect(await play({}, show('lasting'), stepWall(-120), show('lasting'))).toEqual(['verified'])
    expect(await play({}, pass(60), show('for later'), stepWall(-1), show('for later'))).toEqual([
      'token_not_yet_valid',
    ])
    expect(await play({ maxAge: 150 }, show('lasting'), pass(91), show('lasting'))).toEqual(['token_too_old'])
  })

  it('as of an earlier time, and now', async () => {
    const past = [pass(150), show('short', 'earlier')] as const
    expect(await play({}, ...past)).toEqual(['verified'])
    expect(await play({}, ...past, show('short'))).toEqual(['token_expired'])
    expect(await play({}, ...past, show('short', 'much earlier'))).toEqual(['verification_time'])
  })

  it.each(['one issuer', 'a list', 'a function', 'a function that gives new objects'] as const)(
    'once a key has left the set, or has other material, with %s',
    async (trusts) => {
      const after = (set: string): readonly Step[] => [
        show('lasting', 'none', 3),
        { do: 'publish', at: 'a', set },
        pass(601),
        show('lasting'),
      ]
      expect(await play({ trusts }, ...after('both'))).toEqual(['verified'])
      expect(await play({ trusts }, ...after('both, written otherwise'))).toEqual(['verified'])
      expect(await play({ trusts }, ...after('second'))).toEqual(['key_not_found'])
      expect(await play({ trusts }, ...after('renewed and second'))).toEqual(['signature_invalid'])
      expect(await play({ trusts }, ...after('twice'))).toEqual(['key_ambiguous'])
    },
  )

  it('to tokens without kid, once another of several keys signs or the signing key has left', async () => {
    const [one, other] = ['without kid', 'without kid, by the renewed key']
    const publish = (set: string): readonly Step[] => [{ do: 'publish', at: 'a', set }, pass(601)]
    const remembered = [...publish('twice'), show(one, 'none', 2), show(other, 'none', 2), show(one)] as const
    expect(await play({}, ...remembered)).toEqual(['verified'])
    expect(await play({}, ...remembered, show(other))).toEqual(['verified'])
    expect(await play({}, ...remembered, ...publish('renewed'), show(other))).toEqual(['verified'])
    expect(await play({}, ...remembered, ...publish('renewed'), show(one))).toEqual(['signature_invalid'])
    expect(await play({}, ...remembered, ...publish('five'), show(one))).toEqual(['key_ambiguous'])
    expect(await play({}, ...remembered, ...publish('twice'), show('without kid, by another issuer'))).toEqual([
      'signature_invalid',
    ])
    const byThumbprint = [...publish('twice, with thumbprints'), show('by thumbprint', 'none', 2)] as const
    expect(await play({}, ...byThumbprint)).toEqual(['verified', 'verified'])
    expect(await play({}, ...byThumbprint, ...publish('first'), show('by thumbprint'))).toEqual(['signature_invalid'])
    expect(await play({}, ...byThumbprint, show('by the thumbprint of another key'))).toEqual(['signature_invalid'])
  })

  it('and verifies no signature for a cached token without kid while its key is one of several', async () => {
    const world = makeWorld(USUAL)
    await world.take({ do: 'publish', at: 'a', set: 'twice' })
    await world.take(pass(601))
    const signatures = countSignatures()
    for (const token of ['without kid', 'without kid, by the renewed key']) await world.take(show(token))
    const before = signatures()
    for (const token of ['without kid, by the renewed key', 'without kid'])
      expect(codesIn(await world.take(show(token)))).toEqual(['verified'])
    expect(signatures()).toBe(before)
    expect(world.fetched).toHaveLength(1)
  })

  it('during an outage, and once it has lasted longer than old keys may be used', async () => {
    const outage = [show('lasting'), { do: 'endpoint', at: 'a', is: 'failing' }, pass(700), show('lasting')] as const
    expect(await play({}, ...outage)).toEqual(['verified'])
    expect(await play({}, ...outage, pass(3600), show('lasting'))).toEqual(['keys_unavailable'])
  })

  it('refreshing keys as early and as often, and not earlier', async () => {
    const worlds = worldsOf(USUAL)
    for (let time = 0; time < 40; time += 1) {
      await takeAlike(worlds, pass(61))
      await takeAlike(worlds, show('lasting', 'none', 2))
    }
    expect(worlds.cached.fetched.length).toBeGreaterThan(3)
    expect(worlds.cached.fetched).toEqual(worlds.uncached.fetched)
  })

  it.each<[(typeof POLICIES)[number], string]>([
    ['audience', 'audience_mismatch'],
    ['algorithms', 'algorithm_not_allowed'],
    ['claims', 'claim_missing'],
    ['withdrawn', 'issuer_unknown'],
    ['throwing', 'issuer_unavailable'],
  ])('once the policy has changed: %s', async (is, code) => {
    const changed = [show('lasting', 'none', 2), { do: 'policy', is }, show('lasting')] as const
    expect(await play({ trusts: 'a function' }, ...changed)).toEqual([code])
    expect(await play({ trusts: 'a function' }, ...changed, { do: 'policy', is: 'usual' }, show('lasting'))).toEqual([
      'verified',
    ])
  })

  it.each(['own, asked for', 'own, new each time', 'own, cached', 'own, several'] as const)(
    'asking a custom source as often: %s',
    async (source) => {
      const worlds = worldsOf({ ...USUAL, source })
      for (const set of ['both', 'second', 'renewed', 'first'])
        for (const step of [{ do: 'publish', at: 'a', set }, show('lasting'), show('lasting')] as const)
          await takeAlike(worlds, step)
      expect(worlds.cached.fetched.length).toBeGreaterThan(0)
    },
  )

  it('resolving no other keys for an algorithm that the new policy does not allow', async () => {
    const world = makeWorld({ ...USUAL, trusts: 'a function' })
    await world.take(show('lasting'))
    await world.take({ do: 'policy', is: 'algorithms' })
    expect(codesIn(await world.take(show('lasting')))).toEqual(['algorithm_not_allowed'])
    expect(world.fetched).toEqual(['https://a.example/jwks'])
  })

  it.each([
    ['predicate', 'claim_mismatch'],
    ['schema', 'claims_schema'],
    ['check', 'token_refused'],
  ] as const)('once the %s decides differently', async (who, code) => {
    const changed = [show('lasting', 'none', 2), { do: 'decide', who, answer: 'no' }, show('lasting')] as const
    expect(await play({ with: who }, ...changed)).toEqual([code])
    expect(await play({ with: who }, ...changed, { do: 'decide', who, answer: 'yes' }, show('lasting'))).toEqual([
      'verified',
    ])
  })

  it('with and without confirmation of the sender', async () => {
    expect(await play({}, show('bound', 'jkt'), show('bound', 'jkt'))).toEqual(['verified'])
    expect(await play({}, show('bound', 'jkt'), show('bound'))).toEqual(['binding_unsupported'])
    expect(await play({}, show('bound', 'jkt'), show('bound', 'x5t#S256'))).toEqual(['binding_unsupported'])
  })

  it('for a token with the end of another, which remains cached', async () => {
    const world = makeWorld(USUAL)
    const signatures = countSignatures()
    await world.take(show('lasting'))
    expect(codesIn(await world.take(show('with a signature of the lasting one')))).toEqual(['signature_invalid'])
    expect(codesIn(await world.take(show('without its beginning')))).not.toEqual(['verified'])
    expect(signatures()).toBe(2)
    expect(codesIn(await world.take(show('lasting')))).toEqual(['verified'])
    expect(signatures()).toBe(2)
  })

  it('and does not cache refusals', async () => {
    const world = makeWorld({ ...USUAL, with: 'predicate' })
    const signatures = countSignatures()
    for (const token of ['for another audience', 'for later', 'bound', 'by a foreign key', 'of another role'])
      for (const expected of [1, 2, 3]) {
        const before = signatures()
        expect(codesIn(await world.take(show(token)))).not.toEqual(['verified'])
        expect(signatures() - before, `${token}, time ${expected}`).toBe(1)
      }
  })

  it('and caches a token for five minutes, or less if configured', async () => {
    for (const [tokenCache, seconds] of [
      [{}, 300],
      [{ maxAge: 30 }, 30],
    ] as const) {
      const world = makeWorld({ ...USUAL, tokenCache })
      const signatures = countSignatures()
      const before = signatures()
      for (const wait of [0, seconds - 1, 1]) {
        await world.take(pass(wait))
        await world.take(show('lasting'))
      }
      expect(signatures() - before).toBe(2)
      await world.take(stepWall(3600))
      await world.take(show('lasting'))
      expect(signatures() - before).toBe(2)
    }
  })

  it('and caches as many tokens as fit, by entries and by bytes', async () => {
    const clock = { now: () => NOW * 1000 }
    const long = await Promise.all(
      Array.from({ length: 3 }, async (_, index) =>
        keys.first.sign(accessClaims({ jti: `${index}`, x: 'x'.repeat(9000) })),
      ),
    )
    const few = Array.from(['lasting', 'bound', 'not plain'], (name) => tokens.get(name) ?? '')
    const jwks = { keys: [keys.first.publicJwk] }
    const signatures = countSignatures()
    for (const [tokenCache, list] of [
      [{ maxEntries: 2 }, few],
      [{ maxBytes: 65_536 }, long],
    ] as const) {
      const verifier = createVerifier(optionsWith({ jwks, clock, tokenCache }))
      const verifyAll = async (): Promise<number> => {
        const before = signatures()
        for (const token of list) await verifier.verify(token, { confirmations: ['jkt'] })
        return signatures() - before
      }
      // The third evicts the first, which comes again before the second.
      expect([await verifyAll(), await verifyAll()]).toEqual([3, 3])
      for (const token of list.slice(1)) await verifier.verify(token, { confirmations: ['jkt'] })
      const before = signatures()
      for (const token of list.slice(1)) await verifier.verify(token, { confirmations: ['jkt'] })
      expect(signatures()).toBe(before)
    }
  })

  it('and returns claims that cannot be changed for the next request', async () => {
    const verifier = createVerifier(optionsWith({ jwks: { keys: [keys.first.publicJwk] } }))
    for (const name of ['lasting', 'not plain'])
      for (let time = 0; time < 2; time += 1) {
        const { claims, scopes, header } = await verifier.verify(tokens.get(name) ?? '')
        expect(() => Object.assign(claims, { role: 'admin' })).toThrow(TypeError)
        expect(() => Object.assign(header ?? {}, { alg: 'none' })).toThrow(TypeError)
        expect(() => (scopes as Set<string>).add('admin')).toThrow(TypeError)
        if (name === 'not plain') expect(() => (claims['list'] as unknown[]).pop()).toThrow(TypeError)
      }
  })

  it('and runs requirements, bindings and token checks at every request', async () => {
    const asked = { binding: 0, check: 0 }
    const confirm = async (): Promise<void> => {
      asked.binding += 1
      if (asked.binding === 3) throw new AuthError('binding_failed')
    }
    const check = async (): Promise<void> => {
      asked.check += 1
      if (asked.check === 4) throw new AuthError('token_refused')
    }
    const authenticator = createAuthenticator(
      optionsWith({
        jwks: { keys: [keys.first.publicJwk] },
        bindings: [{ confirmation: 'jkt', confirm }],
        checks: [{ name: 'denylist', check }],
      }),
    )
    const answers: Answer[] = []
    for (const requirement of ['orders:read', 'orders:write', 'profile', 'profile', 'profile'])
      answers.push(
        describeOutcome(await authenticator.authenticate(bearer(tokens.get('bound') ?? ''), scope(requirement))),
      )
    expect(answers.map(({ code }) => code)).toEqual([
      undefined,
      'insufficient_scope',
      'binding_failed',
      'token_refused',
      undefined,
    ])
    expect(asked).toEqual({ binding: 4, check: 5 })
  })

  it('and does not expose its tokens in an answer', async () => {
    const verifier = createVerifier(optionsWith({ jwks: { keys: [keys.first.publicJwk] } }))
    const token = tokens.get('bound') ?? ''
    for (let time = 0; time < 2; time += 1) {
      const verified = await verifier.verify(token, { confirmations: ['jkt'] })
      const refusal: unknown = await verifier.verify(token).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'binding_unsupported' })
      const all = { depth: Infinity, showHidden: true }
      for (const text of [
        inspect(verified, all),
        inspect(refusal, all),
        inspect(verifier, all),
        JSON.stringify(verified),
      ])
        expect(text).not.toContain(token.slice(-43))
    }
  })
})

describe('30. Many concurrent tokens cause one fetch, whether they are cached or not', () => {
  it.each([{}, false] as const)('with tokenCache: %j', async (tokenCache) => {
    const world = makeWorld(USUAL, (options) => createVerifier({ ...options, tokenCache }))
    const crowd = async (tokensAtOnce: number): Promise<ReadonlySet<string>> =>
      new Set(codesIn(await world.take(show('lasting', 'none', tokensAtOnce))))
    expect(await crowd(10_000)).toEqual(new Set(['verified']))
    expect(world.fetched).toHaveLength(1)
    // After the fresh period, and after the stale one.
    for (const [seconds, fetches] of [
      [700, 2],
      [4201, 3],
    ] as const) {
      await world.take(pass(seconds))
      expect(await crowd(1000)).toEqual(new Set(['verified']))
      expect(world.fetched).toHaveLength(fetches)
    }
  })
})
