import { AuthError, createVerifier, type KeyContext, type KeySource, type Verifier } from '@claimgate/core'
import { createReferenceVerifier, verifyJws } from '@claimgate/core/extend'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'
import { CompactEncrypt, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { accessClaims, NOW, optionsWith } from '../../support/core/refusal.ts'

const URI = 'https://issuer.example/keys'
const published = await createTestKeys('ES256', { kid: 'published' })
const unknown = await createTestKeys('ES256', { kid: 'unknown' })
const encryption = await generateKeyPair('ECDH-ES', { extractable: true })
const decryption = { keys: decryptionKeys(await exportJWK(encryption.privateKey)) }

const codeOf = async (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'verified',
    (error: unknown) => {
      if (error instanceof AuthError) return `${error.status} ${error.code}`
      throw error
    },
  )

/** Options of a verifier whose set was requested 10 s ago, at `NOW`, and may not be requested again for 20 s. */
function held(changes: object = {}, answer: () => Response = () => Response.json({ keys: [published.publicJwk] })) {
  const clock = createTestClock({ wall: NOW * 1000 })
  const fetches: string[] = []
  const fetch = async (url: string): Promise<Response> => {
    fetches.push(url)
    return answer()
  }
  const options = optionsWith({ jwksUri: URI, clock, fetch, ...changes })
  const hold = async (verifier: Verifier): Promise<Verifier> => {
    await verifier.ready()
    await codeOf(verifier.verify(await unknown.sign(accessClaims())))
    clock.advance(10_000)
    return verifier
  }
  return { clock, options, fetches, hold }
}

const forgotten = { iat: undefined }
type Claims = Readonly<Record<string, unknown>>
type Row = [name: string, claims: Claims, expected: string, options: object]
const row = (name: string, claims: Claims, expected: string, options: object = {}): Row => [
  name,
  claims,
  expected,
  options,
]
const TOKENS: readonly Row[] = [
  row('issued now', { iat: NOW + 10 }, '503 keys_unavailable'),
  row('issued a minute before the set was requested', { iat: NOW - 60 }, '503 keys_unavailable'),
  row('issued earlier', { iat: NOW - 61 }, '401 key_not_found'),
  row('issued five minutes before, within the clock tolerance', { iat: NOW - 300 }, '503 keys_unavailable', {
    clockTolerance: 300,
  }),
  row('issued earlier than that', { iat: NOW - 301 }, '401 key_not_found', { clockTolerance: 300 }),
  row('without iat', forgotten, '503 keys_unavailable'),
  row('that has expired', { iat: NOW - 30, exp: NOW - 1 }, '401 token_expired'),
  row('that has expired, without iat', { ...forgotten, exp: NOW - 1 }, '401 token_expired'),
  row('issued too far in the future', { iat: NOW + 500 }, '401 token_issued_in_future'),
  row('that is not valid yet', { iat: NOW, nbf: NOW + 500 }, '401 token_not_yet_valid'),
  row('for another API', { iat: NOW, aud: 'https://other.example' }, '401 audience_mismatch'),
  row('without the audience', { iat: NOW, aud: undefined }, '401 audience_missing'),
  row('with an iat that is text', { iat: `${NOW}` }, '401 claim_malformed'),
  row('that lives too long', { iat: NOW, exp: NOW + 90_000 }, '401 token_lifetime_too_long', { maxLifetime: 3600 }),
  row('that is too old', { iat: NOW - 55 }, '401 token_too_old', { maxAge: 30 }),
  row('that is an ID token', { iat: NOW, nonce: 'n' }, '401 token_type'),
  // What only clients with valid tokens may learn about this API.
  row('of another client', { iat: NOW, client_id: 'other' }, '503 keys_unavailable', { clientId: 'shop' }),
  row('without a required claim', { iat: NOW }, '503 keys_unavailable', { requiredClaims: { tenant: 'a' } }),
]

describe('29. An unknown key ID, while no fetch may start', () => {
  it.each(TOKENS)('of a token %s', async (_, claims, expected, changes) => {
    const token = await unknown.sign(accessClaims(claims))
    for (const create of [createVerifier, createReferenceVerifier]) {
      const { options, hold, fetches } = held(changes)
      const verifier = await hold(create(options))
      const before = fetches.length
      expect(await codeOf(verifier.verify(token))).toBe(expected)
      const explanation = await verifier.explain(token)
      expect([explanation.accepted, explanation.code]).toEqual([false, expected.slice(4)])
      expect(fetches).toHaveLength(before)
    }
    const encrypted = await new CompactEncrypt(new TextEncoder().encode(token))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(encryption.publicKey)
    const { options, hold } = held(changes)
    const nested = createNestedVerifier({ verifier: await hold(createVerifier(options)), decryption })
    expect(await codeOf(nested.verify(encrypted))).toBe(expected)
    expect((await nested.explain(encrypted)).code).toBe(expected.slice(4))
  })

  it('reports in the 503 when to retry, and which keys there are', async () => {
    const { options, hold } = held()
    const verifier = await hold(createVerifier(options))
    const refusal: unknown = await verifier
      .verify(await unknown.sign(accessClaims({ iat: NOW })))
      .catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      retryAfter: 20,
      hint: expect.stringContaining(
        'the token may be newer than the keys known (in a set of 1 fetched 10 s ago: "published")',
      ) as string,
    })
  })

  it('runs no application code with unverified claims', async () => {
    const seen: unknown[] = []
    const { options, hold } = held({
      requiredClaims: { tenant: (value: unknown) => seen.push(value) > 0 },
      checks: [{ name: 'own', check: () => void seen.push('check') }],
      claims: {
        '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => (seen.push(value), { value }) },
      },
    })
    const verifier = await hold(createVerifier(options))
    expect(await codeOf(verifier.verify(await unknown.sign(accessClaims({ iat: NOW, tenant: 'a' }))))).toBe(
      '503 keys_unavailable',
    )
    expect(seen).toEqual([])
  })

  it('reads only iat of the token, not of Object.prototype', async () => {
    const { options, hold } = held()
    const verifier = await hold(createVerifier(options))
    const token = await unknown.sign(accessClaims(forgotten))
    const prototype = Object.prototype as { iat?: unknown }
    prototype.iat = NOW - 5000
    try {
      expect(await codeOf(verifier.verify(token))).toBe('503 keys_unavailable')
    } finally {
      delete prototype.iat
    }
  })

  it('of a JWS without times is 503', async () => {
    const { options } = held()
    const contexts: unknown[] = []
    const keys: KeySource = {
      resolve: (_header, token) => {
        contexts.push(token)
        return Promise.reject(new AuthError('keys_unavailable'))
      },
    }
    const token = await unknown.sign(accessClaims())
    expect(await codeOf(verifyJws(token, { keys, algorithms: ['ES256'] }))).toBe('503 keys_unavailable')
    expect(contexts).toEqual([{}])
    expect(options).toBeDefined()
  })
})

describe('29. While keys are unavailable', () => {
  const down = (): Response => new Response('', { status: 500 })

  it('what is refused whatever its key is refused with 401, and everything else is 503', async () => {
    const { options } = held({}, down)
    const verifier = createVerifier(options)
    const answer = async (claims: Claims): Promise<string> =>
      codeOf(verifier.verify(await published.sign(accessClaims(claims))))
    expect(await answer({})).toBe('503 keys_unavailable')
    expect(await answer({ iat: NOW - 5000 })).toBe('503 keys_unavailable')
    expect(await answer({ exp: NOW - 10 })).toBe('401 token_expired')
    expect(await answer({ aud: 'https://other.example' })).toBe('401 audience_mismatch')
  })

  it('a token that was accepted before is refused by the same rules', async () => {
    const answers: string[][] = []
    for (const tokenCache of [{}, false]) {
      let answer = (): Response => Response.json({ keys: [published.publicJwk] })
      const { options, clock } = held({ tokenCache, keySet: { freshFor: 60, staleFor: 0 } }, () => answer())
      const verifier = createVerifier(options)
      const token = await published.sign(accessClaims({ exp: NOW + 100 }))
      const seen = [await codeOf(verifier.verify(token))]
      answer = down
      clock.advance(70_000)
      seen.push(await codeOf(verifier.verify(token)))
      clock.advance(70_000)
      seen.push(await codeOf(verifier.verify(token)))
      answers.push(seen)
    }
    const expected = ['verified', '503 keys_unavailable', '401 token_expired']
    expect(answers).toEqual([expected, expected])
  })
})

describe('29. A custom key source', () => {
  const sourceThat = (refuse: () => Promise<never>) => {
    const seen: { method: string; token: KeyContext | undefined }[] = []
    const source: KeySource = {
      resolve: (_header, token) => {
        seen.push({ method: 'resolve', token })
        return refuse()
      },
    }
    return { seen, source }
  }
  const lacking = (): AuthError => new AuthError('keys_unavailable')

  it('receives the time before which the token was issued, with the tolerance added', async () => {
    for (const [claims, clockTolerance, expected] of [
      [{ iat: NOW - 7 }, 5, { issuedBefore: NOW + 53 }],
      [{ iat: NOW - 7 }, 120, { issuedBefore: NOW + 113 }],
      [forgotten, 5, {}],
    ] as const) {
      const { seen, source } = sourceThat(() => Promise.reject(lacking()))
      const verifier = createVerifier(optionsWith({ keys: source, clockTolerance }))
      await codeOf(verifier.verify(await unknown.sign(accessClaims(claims))))
      expect(seen).toEqual([{ method: 'resolve', token: expected }])
    }
  })

  it.each([
    ['rejects', () => Promise.reject(lacking())],
    [
      'throws',
      () => {
        throw lacking()
      },
    ],
  ] as const)('that %s because it lacks keys does not prevent a refusal of the token', async (_, refuse) => {
    const verifier = createVerifier(optionsWith({ keys: sourceThat(refuse).source }))
    expect(await codeOf(verifier.verify(await unknown.sign(accessClaims({ exp: NOW - 10 }))))).toBe('401 token_expired')
    expect(await codeOf(verifier.verify(await unknown.sign(accessClaims())))).toBe('503 keys_unavailable')
  })

  it('that lacks the key after a failed signature receives the same object, and the same rules apply', async () => {
    const seen: unknown[] = []
    const source: KeySource = {
      resolve: async (_header, token) => {
        seen.push(token)
        return published.publicKey
      },
      resolveAgain: async (_header, _failed, token) => {
        seen.push(token)
        throw lacking()
      },
    }
    const verifier = createVerifier(optionsWith({ keys: source }))
    expect(await codeOf(verifier.verify(await unknown.sign(accessClaims())))).toBe('503 keys_unavailable')
    expect(seen[1]).toBe(seen[0])
    const expired = await unknown.sign(accessClaims({ exp: NOW - 10 }))
    expect(await codeOf(verifier.verify(expired))).toBe('401 token_expired')
    expect((await verifier.explain(expired)).code).toBe('token_expired')
  })
})

describe('29. Rotation during a flood of random key IDs', () => {
  it('refuses no valid client: no token of the new key gets 401, and all are verified within a cool-down', async () => {
    const clock: TestClock = createTestClock({ wall: NOW * 1000 })
    let keys = [published.publicJwk]
    const fetch = async (): Promise<Response> => Response.json({ keys })
    const verifier = createVerifier(optionsWith({ jwksUri: URI, clock, fetch }))
    await verifier.ready()
    const answers: string[] = []
    for (let second = 1; second <= 200; second += 1) {
      if (second === 95) keys = [...keys, unknown.publicJwk]
      clock.advance(1000)
      const now = NOW + second
      const junk = await unknown.sign(accessClaims({ iat: now, exp: now + 60 }), { kid: `random ${second}` })
      await codeOf(verifier.verify(junk))
      if (second >= 95)
        answers.push(await codeOf(verifier.verify(await unknown.sign(accessClaims({ iat: now, exp: now + 60 })))))
    }
    expect([...new Set(answers)]).toEqual(['503 keys_unavailable', 'verified'])
    expect(answers.indexOf('verified')).toBeLessThanOrEqual(30)
  })
})
