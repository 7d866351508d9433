import { createHmac } from 'node:crypto'

import { type Algorithm, type Claims, createVerifier, type VerifierOptions } from '@claimgate/core'
import { createReferenceVerifier, DEFAULT_LIMITS } from '@claimgate/core/extend'
import { badTokens, createRandom, createTestKeys, supportedAlgorithms, tokenMutations } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { orThrow } from '../../../packages/core/src/errors/auth-error.ts'
import { parsePlainJson } from '../../../packages/core/src/json/plain-json.ts'
import { joseSignature, webCryptoSignature } from '../../../packages/core/src/jws/signature.ts'
import { parseJwt, quickParser } from '../../../packages/core/src/jws/parse.ts'
import { type Engine, verifierWith } from '../../../packages/core/src/pipeline/verifier.ts'
import { accessClaims, AUDIENCE, ISSUER, NOW, optionsWith } from '../../support/core/refusal.ts'
import { fuzzRun } from '../../support/fuzz/fuzz-run.ts'
import { compare, type Comparison, type Contestants, newComparison } from '../../support/fuzz/same-answer.ts'

const { seed, count } = fuzzRun(process.env)
const algorithms = await supportedAlgorithms()

// Each input is verified five times, including with jose: a tenth of the number in the jose-only test.
const ALL = Math.floor(count / 10)
const SIGNED_AGAIN = Math.floor(ALL / 2)
const OF_EACH = Math.ceil((ALL - SIGNED_AGAIN) / algorithms.length)
const BATCH = 100

const originals: readonly Readonly<Record<string, unknown>>[] = [
  accessClaims(),
  accessClaims({ aud: [AUDIENCE, 'other'], nbf: NOW - 60, scp: ['a', 'b'], cfg: { a: [{ b: [1, 2] }] } }),
  { iss: ISSUER, aud: AUDIENCE, sub: 'caf\u00e9 "\u{1f600}"', exp: NOW + 6, client_id: 'x' },
]

/** The verifier of `createVerifier` with and without its cache, after the reference. */
function contestants(options: VerifierOptions): Contestants {
  return [createReferenceVerifier(options), createVerifier({ ...options, tokenCache: false }), createVerifier(options)]
}

async function play(tokens: Iterable<string>, those: Contestants): Promise<Comparison> {
  const comparison = newComparison()
  for (const batch of batches(tokens)) {
    await Promise.all(batch.map(async (token) => compare(token, those, comparison)))
    if (comparison.different.length > 0) break
  }
  return comparison
}

function* batches(tokens: Iterable<string>): Generator<readonly string[]> {
  let batch: string[] = []
  for (const token of tokens) {
    batch.push(token)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  yield batch
}

function* mutated(tokens: readonly string[], inputs: number, from: number, others = tokens): Generator<string> {
  yield* tokens
  const random = createRandom(from)
  const sources = tokens.map((token) => tokenMutations(token, random, { others }))
  for (let made = tokens.length; made < inputs; made += 1)
    yield sources[made % sources.length]?.next().value.token ?? ''
}

const secret = Buffer.alloc(32, 9)
const signed = (input: string): string => `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signedOriginals = originals.map((claims) =>
  signed(`${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}`),
)

/** Mutated tokens with a valid signature, so that the changed part is checked. */
function* signedAgain(inputs: number, from: number): Generator<string> {
  for (const token of mutated(signedOriginals, inputs, from)) yield signed(token.split('.').slice(0, 2).join('.'))
}

const tight = { ...DEFAULT_LIMITS, tokenLength: 480, headerLength: 64, members: 9, nodes: 12, depth: 2, audiences: 1 }
const withSecret: Readonly<Record<string, VerifierOptions>> = {
  'ordinary rules': optionsWith({ secret }),
  'the rules of RFC 9068': optionsWith({ secret, profile: 'rfc9068', requiredClaims: { sub: 'ada' } }),
  'tight limits': optionsWith({ secret, limits: tight }),
  'any issuer and audience': optionsWith({ secret, issuer: null, audience: null, idTokens: 'accept' }),
  'a list of issuers': {
    issuers: [ISSUER, 'https://other.example'].map((issuer) => ({ issuer, audience: AUDIENCE, secret })),
    clock: { now: () => NOW * 1000 },
  },
}

describe(`the quick path and the reference, ${ALL} tokens from seed ${seed}`, () => {
  it.each(algorithms)(
    'gives the same answers for tokens of %s',
    async (alg) => {
      const key = await createTestKeys(alg, { kid: 'key-1' })
      const tokens = await Promise.all(originals.map(async (claims) => key.sign(claims)))
      const options = optionsWith({ jwks: { keys: [key.publicJwk] }, algorithms: [alg as Algorithm] })
      const inputs = mutated(tokens, OF_EACH, seed + algorithms.indexOf(alg))
      const { different, accepted, codes } = await play(inputs, contestants(options))
      expect(different).toEqual([])
      expect(accepted).toBeGreaterThanOrEqual(tokens.length)
      expect(codes.size).toBeGreaterThan(8)
    },
    600_000,
  )

  it.each(Object.keys(withSecret))(
    'gives the same answers for re-signed tokens, with %s',
    async (rules) => {
      const options = withSecret[rules] ?? optionsWith({ secret })
      const share = Math.floor(SIGNED_AGAIN / Object.keys(withSecret).length)
      const inputs = signedAgain(share, seed - 1 - Object.keys(withSecret).indexOf(rules))
      const { different, accepted, codes } = await play(inputs, contestants(options))
      expect(different).toEqual([])
      expect(accepted).toBeGreaterThan(0)
      expect(codes.size).toBeGreaterThan(12)
    },
    600_000,
  )

  it.each(['ES256', 'RS256', 'EdDSA'])('gives the same answers for every bad token, made with %s', async (alg) => {
    const key = await createTestKeys(alg, { kid: 'key-1' })
    const { signWith, publicJwk, publicPem } = key
    const good = await key.sign(accessClaims())
    const bad = await badTokens({ token: good, signWith, publicJwk, publicPem, now: NOW })
    for (const changes of [{}, { issuer: null, audience: null }, { limits: tight }]) {
      const options = optionsWith({ jwks: { keys: [publicJwk] }, ...changes })
      const { different, codes } = await play([good, ...bad.map(({ token }) => token)], contestants(options))
      expect(different).toEqual([])
      expect(codes.size).toBeGreaterThan(5)
    }
  })
})

const decode = (part: string): string => Buffer.from(part, 'base64url').toString()
const parts = (token: string): readonly string[] => [...token.split('.'), '', '', ''].slice(0, 3)

/** Engines, each with a typical mistake of optimization. */
const flawed: Readonly<Record<string, Engine>> = {
  'only JSON.parse for the claims': (limits) => ({
    parse: (token) => ({ ...parseJwt(token, limits), claims: JSON.parse(decode(parts(token)[1] ?? '')) as Claims }),
    isSignedBy: webCryptoSignature,
  }),
  'a lenient base64url': (limits) => ({
    parse: (token) => {
      const strict = parts(token).map((part) => Buffer.from(part, 'base64url').toString('base64url'))
      return { ...parseJwt(token.split('.').length === 3 ? strict.join('.') : token, limits), token }
    },
    isSignedBy: webCryptoSignature,
  }),
  'duplicate members, of which the last one counts': (limits) => ({
    parse: (token) => {
      const text = decode(parts(token)[1] ?? '')
      const claims = /^[\x20-\x7e]*$/.test(text) && !text.includes('\\') ? lastMembers(text) : undefined
      return claims === undefined ? parseJwt(token, limits) : { ...parseJwt(resigned(token, claims), limits), token }
    },
    isSignedBy: webCryptoSignature,
  }),
  'a header cached by its prefix': (limits) => {
    const headers = new Map<string, ReturnType<typeof parseJwt>['header']>()
    return {
      parse: (token) => {
        const parsed = orThrow(quickParser(limits)(token))
        const name = token.slice(0, 12)
        if (!headers.has(name)) headers.set(name, parsed.header)
        return { ...parsed, header: headers.get(name) ?? parsed.header }
      },
      isSignedBy: webCryptoSignature,
    }
  },
  'no limits': () => ({
    parse: quickParser({ ...DEFAULT_LIMITS, tokenLength: 65_536, members: 1000, depth: 64 }),
    isSignedBy: webCryptoSignature,
  }),
  'mutable claims': (limits) => ({
    parse: (token) => {
      const parsed = parseJwt(token, limits)
      return { ...parsed, claims: structuredClone(parsed.claims) }
    },
    isSignedBy: webCryptoSignature,
  }),
  'every signature': (limits) => ({ parse: quickParser(limits), isSignedBy: async () => true }),
  'no signature': (limits) => ({ parse: quickParser(limits), isSignedBy: async () => false }),
  'a signature over only the payload': (limits) => ({
    parse: quickParser(limits),
    isSignedBy: async (parsed, ...rest) => {
      const [, payload = ''] = parsed.signingInput.split('.')
      return webCryptoSignature(
        { ...parsed, signingInput: `${parts(signedOriginals[0] ?? '')[0]}.${payload}` },
        ...rest,
      )
    },
  }),
  'a signature that is compared in part': (limits) => ({
    parse: quickParser(limits),
    isSignedBy: async (parsed, ...rest) => {
      const expected = createHmac('sha256', secret).update(parsed.signingInput).digest()
      return expected.subarray(0, 31).equals(parsed.signature.subarray(0, 31)) || webCryptoSignature(parsed, ...rest)
    },
  }),
  'an error instead of a verdict': (limits) => ({
    parse: quickParser(limits),
    isSignedBy: async (...given) => {
      if (await joseSignature(...given)) return true
      throw new RangeError('no')
    },
  }),
}

function lastMembers(text: string): object | undefined {
  try {
    return parsePlainJson(JSON.stringify(JSON.parse(text)), DEFAULT_LIMITS)
  } catch {
    return undefined
  }
}

function resigned(token: string, claims: object): string {
  const [header, , signature] = parts(token)
  return `${header}.${encode(claims)}.${signature}`
}

describe('the comparison detects an engine with', () => {
  const inputs = (): readonly string[] => [
    ...signedOriginals.map((token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`),
    signed(`${encode({ alg: 'HS256' })}.${Buffer.from('{"sub":"a","sub":"b"}').toString('base64url')}`),
    signed(`${encode({ alg: 'HS256' })}.${encode(accessClaims({ a: 'x'.repeat(20_000) }))}`),
    ...mutated(signedOriginals, 400, seed + 1),
    ...signedAgain(600, seed),
  ]

  it.each(Object.keys(flawed))('%s', async (flaw) => {
    const engine = flawed[flaw]
    if (engine === undefined) throw new TypeError(flaw)
    const options = optionsWith({ secret })
    for (const tokenCache of [false, {}] as const) {
      const those: Contestants = [createReferenceVerifier(options), verifierWith(engine, { ...options, tokenCache })]
      const { different } = await play(inputs(), those)
      expect(different).not.toEqual([])
    }
  })

  it('nothing wrong, and accepts it', async () => {
    const engine: Engine = (limits) => ({ parse: quickParser(limits), isSignedBy: webCryptoSignature })
    const options = optionsWith({ secret })
    expect((await play(inputs(), [createReferenceVerifier(options), verifierWith(engine, options)])).different).toEqual(
      [],
    )
  })
})
