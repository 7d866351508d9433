import { beforeEach, describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import {
  accessClaims,
  answerOf,
  AUDIENCE,
  createSigningKey,
  ISSUER,
  NOW,
  verifierOptions,
} from '../../support/core/jose-tokens.ts'
import type { KeySource } from '../../../packages/core/src/keys/key-source.ts'
import { manualClock, type ManualClock } from '../../support/core/manual-clock.ts'
import type { VerifierEvent } from '../../../packages/core/src/model/events.ts'
import type { VerifierOptions } from '../../../packages/core/src/pipeline/options.ts'
import type { TokenCacheOptions } from '../../../packages/core/src/pipeline/token-cache-options.ts'
import { type Engine, type Verifier, verifierWith } from '../../../packages/core/src/pipeline/verifier.ts'
import { quickParser } from '../../../packages/core/src/jws/parse.ts'
import { webCryptoSignature } from '../../../packages/core/src/jws/signature.ts'

const key = await createSigningKey('ES256', 'key-1')
const other = await createSigningKey('ES256', 'key-1')

let clock: ManualClock
let verifications: number
beforeEach(() => {
  clock = manualClock()
  verifications = 0
})

/** The engine of `createVerifier`, with a counter for verified signatures. */
const counting: Engine = (limits) => ({
  parse: quickParser(limits),
  isSignedBy: (...given) => {
    verifications += 1
    return webCryptoSignature(...given)
  },
})

const verifierOf = (changes: object = {}): Verifier =>
  verifierWith(counting, verifierOptions(key, { clock, ...changes }))

const answer = (verifier: Verifier, token: string, context = {}): Promise<string> =>
  answerOf(verifier.verify(token, context))

const tokenOf = async (changes: object = {}): Promise<string> => key.sign(accessClaims({ exp: NOW + 6000, ...changes }))

/** A key source with configurable results, synchronous or not. */
function changeableKeys(kind: 'cached' | 'resolved') {
  const source = { current: key.publicKey as CryptoKey | undefined, asked: 0 }
  const keys: KeySource = {
    resolve: async () => {
      source.asked += 1
      if (source.current === undefined) throw new AuthError('key_not_found')
      return source.current
    },
    ...(kind === 'cached' && { current: () => source.current }),
  }
  return { source, options: { jwks: undefined, keys } }
}

describe('a verifier with a token cache', () => {
  it('verifies the signature of a token once, whatever string contains it', async () => {
    const verifier = verifierOf()
    const token = await tokenOf()
    for (let time = 0; time < 5; time += 1) {
      const { claims, scopes, header, token: own } = await verifier.verify(Buffer.from(token).toString())
      expect({ claims, header, scopes: [...scopes], own }).toEqual({
        claims: accessClaims({ exp: NOW + 6000 }),
        header: { alg: 'ES256', kid: 'key-1', typ: 'at+jwt' },
        scopes: ['orders:read', 'profile'],
        own: token,
      })
    }
    expect(verifications).toBe(1)
  })

  it('caches none with tokenCache: false', async () => {
    const verifier = verifierOf({ tokenCache: false })
    const token = await tokenOf()
    for (let time = 0; time < 3; time += 1) await verifier.verify(token)
    expect(verifications).toBe(3)
  })

  it('returns frozen claims and emits an event each time', async () => {
    const events: VerifierEvent[] = []
    const verifier = verifierOf({ onEvent: (event: VerifierEvent) => events.push(event) })
    const token = await tokenOf({ list: [{ a: 1 }] })
    for (let time = 0; time < 2; time += 1) {
      const { claims, scopes } = await verifier.verify(token)
      expect(() => (claims['list'] as { a: number }[]).push({ a: 2 })).toThrow(TypeError)
      expect(() => Object.assign((claims['list'] as object[])[0] ?? {}, { a: 2 })).toThrow(TypeError)
      expect(() => Object.assign(claims, { admin: true })).toThrow(TypeError)
      expect(() => (scopes as Set<string>).add('admin')).toThrow(TypeError)
    }
    expect(events).toMatchObject([
      { type: 'token.verified', cached: false },
      { type: 'token.verified', cached: true },
    ])
  })

  it('compares the whole token, not its end, and keeps the valid one', async () => {
    const verifier = verifierOf()
    const token = await tokenOf()
    const [header = '', , signature = ''] = token.split('.')
    await verifier.verify(token)
    const encode = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url')
    const forged = `${header}.${encode(accessClaims({ sub: 'eve' }))}.${signature}`
    expect(await answer(verifier, forged)).toBe('signature_invalid')
    expect(await answer(verifier, token.slice(-43))).toBe('token_malformed')
    expect(await answer(verifier, ` ${token}`)).toBe('token_encoding')
    expect(await answer(verifier, token.slice(1))).toMatch(/^(json|token)_/)
    verifications = 0
    expect(await answer(verifier, token)).toBe('verified')
    expect(verifications).toBe(0)
  })

  it('does not cache refusals', async () => {
    const verifier = verifierOf()
    const token = await other.sign(accessClaims())
    for (let time = 0; time < 3; time += 1) expect(await answer(verifier, token)).toBe('signature_invalid')
    expect(verifications).toBe(3)
    const early = await tokenOf({ nbf: NOW + 60 })
    expect(await answer(verifier, early)).toBe('token_not_yet_valid')
    await clock.pass(60)
    expect(await answer(verifier, early)).toBe('verified')
    expect(await answer(verifier, early)).toBe('verified')
    expect(verifications).toBe(5)
  })

  it.each([
    [{}, 300],
    [{ maxAge: 60 }, 60],
    [{ maxAge: 1 }, 1],
  ] as const)('verifies again after the age of %j, by a clock that is not stepped', async (tokenCache, seconds) => {
    const verifier = verifierOf({ tokenCache })
    const token = await tokenOf()
    await verifier.verify(token)
    await clock.pass(seconds - 0.001)
    clock.stepWall(-3000)
    clock.stepWall(3000)
    await verifier.verify(token)
    expect(verifications).toBe(1)
    await clock.pass(0.001)
    await verifier.verify(token)
    expect(verifications).toBe(2)
    await clock.pass(seconds - 0.001)
    await verifier.verify(token)
    expect(verifications).toBe(2)
  })

  it('refuses a cached token at its exp, and accepts it again if time is set back', async () => {
    const verifier = verifierOf({ clockTolerance: 0 })
    const token = await tokenOf({ exp: NOW + 10 })
    expect(await answer(verifier, token)).toBe('verified')
    await clock.pass(10)
    expect(await answer(verifier, token)).toBe('token_expired')
    clock.stepWall(-1)
    expect(await answer(verifier, token)).toBe('verified')
    clock.stepWall(-3600)
    expect(await answer(verifier, token)).toBe('token_issued_in_future')
    expect(verifications).toBe(1)
  })

  it.each(['cached', 'resolved'] as const)('drops a token immediately with its key, %s', async (kind) => {
    const { source, options } = changeableKeys(kind)
    const verifier = verifierOf(options)
    const token = await tokenOf()
    expect(await answer(verifier, token)).toBe('verified')
    expect(await answer(verifier, token)).toBe('verified')
    expect(verifications).toBe(1)
    source.current = undefined
    expect(await answer(verifier, token)).toBe('key_not_found')
    source.current = other.publicKey
    expect(await answer(verifier, token)).toBe('signature_invalid')
    source.current = key.publicKey
    expect(await answer(verifier, token)).toBe('verified')
  })

  it('resolves the key of a source without cached keys each time, once', async () => {
    const { source, options } = changeableKeys('resolved')
    const verifier = verifierOf(options)
    const token = await tokenOf()
    for (let time = 1; time <= 4; time += 1) {
      await verifier.verify(token)
      expect(source.asked).toBe(time)
    }
    expect(verifications).toBe(1)
  })

  it('runs predicates, confirmations, schema and token checks each time', async () => {
    const ran = { predicate: 0, schema: 0, check: 0 }
    const claims = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: object) => {
          ran.schema += 1
          return { value: { ...value, round: ran.schema } }
        },
      },
    }
    const verifier = verifierOf({
      claims,
      requiredClaims: { sub: () => (ran.predicate += 1) > 0 },
      checks: [{ name: 'count', check: async () => void (ran.check += 1) }],
    })
    const token = await tokenOf({ cnf: { jkt: 'x' } })
    for (let time = 1; time <= 3; time += 1) {
      expect((await verifier.verify(token, { confirmations: ['jkt'] })).claims).toMatchObject({ round: time })
      expect(ran).toEqual({ predicate: time, schema: time, check: time })
    }
    expect(await answer(verifier, token)).toBe('binding_unsupported')
    expect(await answer(verifier, token, { confirmations: ['x5t#S256'] })).toBe('binding_unsupported')
    expect(await answer(verifier, token, { confirmations: ['jkt'] })).toBe('verified')
    expect(verifications).toBe(1)
  })

  it('keeps the output of a schema separate for each verification', async () => {
    let role = 'admin'
    const claims = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: { role } }) } }
    const verifier = verifierOf({ claims })
    const token = await tokenOf()
    expect((await verifier.verify(token)).claims['role']).toBe('admin')
    role = 'guest'
    expect((await verifier.verify(token)).claims['role']).toBe('guest')
  })

  it('caches a token that a check refused, because the check may accept it next time', async () => {
    let isDenied = true
    const check = async (): Promise<void> => {
      if (isDenied) throw new AuthError('token_refused')
    }
    const verifier = verifierOf({ checks: [{ name: 'denylist', check }] })
    const token = await tokenOf()
    expect(await answer(verifier, token)).toBe('token_refused')
    isDenied = false
    expect(await answer(verifier, token)).toBe('verified')
    isDenied = true
    expect(await answer(verifier, token)).toBe('token_refused')
    expect(verifications).toBe(1)
  })

  it('passes the same frozen claims to predicates each time', async () => {
    const seen: boolean[] = []
    const requiredClaims = { list: (value: unknown) => seen.push(Object.isFrozen(value)) > 0 }
    for (const list of [['b', 'a'], ['é'], ['"']]) {
      const verifier = verifierOf({ requiredClaims })
      const token = await tokenOf({ list })
      for (let time = 0; time < 2; time += 1) await verifier.verify(token)
    }
    expect(seen).toEqual([true, true, true, true, true, true])
  })
})

describe('the issuers of a verifier with a token cache', () => {
  it('are looked up each time: a withdrawn or changed policy takes effect immediately', async () => {
    const policy = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
    let given: object | undefined = policy
    const issuers = async (): Promise<object | undefined> => given
    const verifier = verifierWith(counting, { issuers, clock } as VerifierOptions)
    const token = await tokenOf()
    for (let time = 0; time < 2; time += 1) expect(await answer(verifier, token)).toBe('verified')
    expect(verifications).toBe(1)
    for (const [changed, code] of [
      [undefined, 'issuer_unknown'],
      [{ ...policy, audience: 'https://other.example' }, 'audience_mismatch'],
      [{ ...policy, algorithms: ['RS256'] }, 'algorithm_not_allowed'],
      [{ ...policy, jwks: other.jwks }, 'signature_invalid'],
      [{ ...policy, requiredClaims: ['tenant'] }, 'claim_missing'],
      [{ ...policy, profile: 'rfc9068', tokenTypes: ['at+jwt'] }, 'issuer_unavailable'],
      [policy, 'verified'],
    ] as const) {
      given = changed
      expect(await answer(verifier, token)).toBe(code)
    }
  })

  it('must allow the algorithm before a key is resolved', async () => {
    let asked = 0
    const keys: KeySource = {
      resolve: () => {
        asked += 1
        return Promise.reject(new AuthError('keys_unavailable'))
      },
    }
    let given: object = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
    const verifier = verifierWith(counting, { issuers: async () => given, clock } as VerifierOptions)
    const token = await tokenOf()
    expect(await answer(verifier, token)).toBe('verified')
    given = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256'], keys }
    expect(await answer(verifier, token)).toBe('algorithm_not_allowed')
    expect(asked).toBe(0)
  })

  it('verifies a token again that was cached too long ago once its policy is known', async () => {
    let wait = 0
    const verifier = verifierOf({
      issuer: undefined,
      audience: undefined,
      jwks: undefined,
      tokenCache: { maxAge: 1 },
      issuers: async () => {
        await clock.pass(wait)
        return { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
      },
    })
    const token = await tokenOf()
    await verifier.verify(token)
    await verifier.verify(token)
    expect(verifications).toBe(1)
    wait = 2
    await verifier.verify(token)
    expect(verifications).toBe(2)
  })
})

describe('the size of the token cache', () => {
  const isRemembered = async (verifier: Verifier, token: string): Promise<boolean> => {
    const before = verifications
    await verifier.verify(token)
    return verifications === before
  }
  const several = async (count: number, padding = 0): Promise<readonly string[]> =>
    Promise.all(Array.from({ length: count }, async (_, index) => tokenOf({ jti: `t${index}${'x'.repeat(padding)}` })))

  it('is limited by entries, and the least recently used one is evicted first', async () => {
    const verifier = verifierOf({ tokenCache: { maxEntries: 3 } satisfies TokenCacheOptions })
    const [a = '', b = '', c = '', d = ''] = await several(4)
    for (const token of [a, b, c, a, d]) await verifier.verify(token)
    expect(verifications).toBe(4)
    expect(await isRemembered(verifier, c)).toBe(true)
    expect(await isRemembered(verifier, a)).toBe(true)
    expect(await isRemembered(verifier, d)).toBe(true)
    expect(await isRemembered(verifier, b)).toBe(false)
    expect(await isRemembered(verifier, c)).toBe(false)
  })

  it('is limited by bytes', async () => {
    const verifier = verifierOf({ tokenCache: { maxBytes: 65_536 } satisfies TokenCacheOptions })
    // About 12,400 characters each, and 9,000 in the claims: two fit.
    const [a = '', b = '', c = ''] = await several(3, 9000)
    for (const token of [a, b, c]) await verifier.verify(token)
    expect(await isRemembered(verifier, c)).toBe(true)
    expect(await isRemembered(verifier, b)).toBe(true)
    expect(await isRemembered(verifier, a)).toBe(false)
  })

  it('counts the memory of objects and arrays besides their text', async () => {
    const verifier = verifierOf({ tokenCache: { maxBytes: 65_536 } satisfies TokenCacheOptions })
    // About 2,700 characters each, of which many would fit.
    const empty = Array.from({ length: 30 }, () => Array.from({ length: 20 }, () => ({})))
    const [a = '', b = ''] = await Promise.all(['a', 'b'].map(async (jti) => tokenOf({ jti, empty })))
    for (const token of [a, b]) await verifier.verify(token)
    expect(await isRemembered(verifier, b)).toBe(true)
    expect(await isRemembered(verifier, a)).toBe(false)
  })

  it('excludes tokens that are larger than the whole cache', async () => {
    const verifier = verifierOf({ tokenCache: { maxBytes: 65_536 }, limits: { tokenLength: 65_536 } })
    const [small = ''] = await several(1)
    const huge = await tokenOf({ jti: 'x'.repeat(30_000) })
    await verifier.verify(small)
    expect(await isRemembered(verifier, huge)).toBe(false)
    expect(await isRemembered(verifier, huge)).toBe(false)
    expect(await isRemembered(verifier, small)).toBe(true)
  })

  it('belongs to only one verifier', async () => {
    const token = await tokenOf()
    await verifierOf().verify(token)
    expect(await answer(verifierOf({ audience: 'https://other.example' }), token)).toBe('audience_mismatch')
    expect(await answer(verifierOf({ jwks: other.jwks }), token)).toBe('signature_invalid')
    expect(verifications).toBe(3)
  })
})
