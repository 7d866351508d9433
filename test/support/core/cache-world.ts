import { isDeepStrictEqual } from 'node:util'

import {
  AuthError,
  type JoseHeader,
  type KeySource,
  type Verifier,
  type VerifierEvent,
  type VerifierOptions,
  type VerifyContext,
} from '@claimgate/core'
import { createTestClock, type TestClock } from '@claimgate/testing'

import { type CryptoKey, exportJWK, importJWK } from 'jose'

import { type CacheKeys, OTHER_ISSUER } from './cache-tokens.ts'
import { AUDIENCE, ISSUER, NOW } from './refusal.ts'

/** How verifiers are created for one run. */
export interface Setup {
  readonly trusts: 'one issuer' | 'a list' | 'a function' | 'a function that gives new objects'
  /** Where keys come from; custom sources return the keys published under `a`. */
  readonly source: 'an address' | 'own, asked for' | 'own, new each time' | 'own, cached' | 'own, several'
  readonly clockTolerance: number
  readonly freshFor: number
  readonly maxAge: number | undefined
  readonly tokenCache: NonNullable<VerifierOptions['tokenCache']>
  /** Which functions of the application can refuse. */
  readonly with: 'nothing' | 'predicate' | 'schema' | 'check' | 'everything'
}

export const SETS = [
  'first',
  'both',
  'both, written otherwise',
  'second',
  'renewed',
  'renewed and second',
  'twice',
  'twice, with thumbprints',
  'five',
  'none',
]
export const ENDPOINTS = ['up', 'failing', 'unreachable', 'garbage'] as const
export const POLICIES = ['usual', 'audience', 'algorithms', 'keys', 'claims', 'withdrawn', 'throwing'] as const
export const VERDICTS = ['yes', 'no', 'throws'] as const
export const CONTEXTS = ['none', 'jkt', 'x5t#S256', 'earlier', 'much earlier', 'ahead'] as const

/** Events in the life of a verifier. */
export type Step =
  | {
      readonly do: 'verify'
      readonly token: string
      readonly context: (typeof CONTEXTS)[number]
      readonly times: number
    }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'step wall'; readonly seconds: number }
  | { readonly do: 'publish'; readonly at: 'a' | 'b'; readonly set: string }
  | { readonly do: 'endpoint'; readonly at: 'a' | 'b'; readonly is: (typeof ENDPOINTS)[number] }
  | { readonly do: 'policy'; readonly is: (typeof POLICIES)[number] }
  | {
      readonly do: 'decide'
      readonly who: 'predicate' | 'schema' | 'check'
      readonly answer: (typeof VERDICTS)[number]
    }

/** A verifier with its own clock, endpoints and application. */
export interface World {
  readonly clock: TestClock
  /** The observable result of a step. */
  take(step: Step): Promise<unknown>
  /** The requests to addresses and custom sources, in order. */
  readonly fetched: readonly string[]
  /** The events emitted so far. */
  readonly events: readonly VerifierEvent[]
}

const ADDRESSES = { a: 'https://a.example/jwks', b: 'https://b.example/jwks' } as const

/** A separate world around the verifier that `create` returns. */
export function newWorld(
  setup: Setup,
  { keys, tokens }: { readonly keys: CacheKeys; readonly tokens: ReadonlyMap<string, string> },
  create: (options: VerifierOptions) => Verifier,
): World {
  const clock = createTestClock({ wall: NOW * 1000, monotonic: 5000 })
  const sets = { a: 'both', b: 'both' }
  const endpoints: Record<'a' | 'b', (typeof ENDPOINTS)[number]> = { a: 'up', b: 'up' }
  const answers: Record<string, (typeof VERDICTS)[number]> = { predicate: 'yes', schema: 'yes', check: 'yes' }
  let policy: (typeof POLICIES)[number] = 'usual'
  const fetched: string[] = []
  const events: VerifierEvent[] = []

  const fetch = async (url: string): Promise<Response> => {
    fetched.push(url)
    const at = url === ADDRESSES.a ? 'a' : 'b'
    switch (endpoints[at]) {
      case 'up':
        return new Response(setText(sets[at], keys))
      case 'failing':
        return new Response('no', { status: 500 })
      case 'unreachable':
        throw new TypeError('connection refused')
      case 'garbage':
        return new Response('<html>')
    }
  }

  const ownKeys = (): KeySource => {
    const known = (header: JoseHeader): CryptoKey | undefined => {
      const { first, second, renewed } = keys
      const members = [first, second, renewed].filter((key) => setText(sets.a, keys).includes(String(key.publicJwk.x)))
      return members.find(({ kid, alg }) => kid === header.kid && alg === header.alg)?.publicKey
    }
    const resolve = async (header: JoseHeader): Promise<CryptoKey> => {
      fetched.push('own')
      if (endpoints.a === 'unreachable') throw new RangeError('the source is broken')
      if (endpoints.a !== 'up') throw new AuthError('keys_unavailable')
      const key = known(header)
      if (key === undefined) throw new AuthError('key_not_found')
      if (setup.source !== 'own, new each time') return key
      return (await importJWK(await exportJWK(key), header.alg)) as CryptoKey
    }
    const candidates = async (header: JoseHeader): Promise<readonly CryptoKey[]> => {
      fetched.push('own')
      if (endpoints.a !== 'up') throw new AuthError('keys_unavailable')
      const { first, second, renewed } = keys
      return [first, second, renewed]
        .filter(({ alg, publicJwk }) => alg === header.alg && setText(sets.a, keys).includes(String(publicJwk.x)))
        .map(({ publicKey }) => publicKey)
    }
    return {
      resolve,
      ...(setup.source === 'own, cached' && { current: known }),
      ...(setup.source === 'own, several' && { candidates }),
    }
  }

  const has = (what: string): boolean => setup.with === what || setup.with === 'everything'
  const decided = (who: string): boolean => {
    if (answers[who] === 'throws') throw new RangeError(`the ${who} is broken`)
    return answers[who] === 'yes'
  }
  const source = ownKeys()
  const usual = () => ({
    issuer: ISSUER,
    audience: AUDIENCE,
    ...(setup.source === 'an address' ? { jwksUri: ADDRESSES.a } : { keys: source }),
    clockTolerance: setup.clockTolerance,
    ...(setup.maxAge !== undefined && { maxAge: setup.maxAge }),
  })
  const predicate = (role: unknown): boolean => decided('predicate') && role === 'reader'
  const required = { role: predicate }
  const own = { ...usual(), ...(has('predicate') && { requiredClaims: required }) }
  const other = { ...usual(), issuer: OTHER_ISSUER, keys: undefined, jwksUri: ADDRESSES.b }

  const changed = (): object | undefined => {
    switch (policy) {
      case 'usual':
        return {}
      case 'audience':
        return { audience: 'https://elsewhere.example' }
      case 'algorithms':
        return { algorithms: ['EdDSA'], keys: undefined, jwksUri: ADDRESSES.b }
      case 'keys':
        return { keys: undefined, jwksUri: ADDRESSES.b }
      case 'claims':
        return { requiredClaims: ['sub', 'list'] }
      case 'withdrawn':
        return undefined
      case 'throwing':
        throw new RangeError('the issuers are out of reach')
    }
  }
  const issuers = async (iss: string): Promise<object | undefined> => {
    if (iss === OTHER_ISSUER) return other
    const changes = iss === ISSUER ? changed() : undefined
    const isNew = setup.trusts === 'a function that gives new objects' && has('predicate')
    return changes && { ...own, ...(isNew && { requiredClaims: { role: predicate } }), ...changes }
  }

  const trusted = (): object => {
    if (setup.trusts === 'one issuer') return own
    return { issuers: setup.trusts === 'a list' ? [own, other] : issuers }
  }
  const claims = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => (decided('schema') ? { value: { seen: value } } : { issues: [{ message: 'no' }] }),
    },
  }
  const check = async (): Promise<void> => {
    if (!decided('check')) throw new AuthError('token_refused')
  }
  const verifier = create({
    ...trusted(),
    clock,
    fetch,
    onEvent: (event: VerifierEvent) => events.push(event),
    keySet: { freshFor: setup.freshFor },
    tokenCache: setup.tokenCache,
    ...(has('schema') && { claims }),
    ...(has('check') && { checks: [{ name: 'denylist', check }] }),
  } as unknown as VerifierOptions)

  const contextOf = (name: (typeof CONTEXTS)[number]): VerifyContext | undefined => {
    const now = clock.now() / 1000
    if (name === 'jkt' || name === 'x5t#S256') return { confirmations: [name] }
    if (name === 'earlier') return { asOf: { time: now - 100, maxLag: 500 } }
    if (name === 'much earlier') return { asOf: { time: now - 1000, maxLag: 500 } }
    return name === 'ahead' ? { asOf: { time: now + 60, maxLag: 500 } } : undefined
  }

  const take = async (step: Step): Promise<unknown> => {
    switch (step.do) {
      case 'verify': {
        // A new string each time, like from a request.
        const given = Array.from({ length: step.times }, () => Buffer.from(tokens.get(step.token) ?? '').toString())
        const context = contextOf(step.context)
        return Promise.all(given.map(async (token) => answerOf(verifier.verify(token, context))))
      }
      case 'pass':
        return clock.advanceAsync(step.seconds * 1000)
      case 'step wall':
        return clock.stepWall(step.seconds * 1000)
      case 'publish':
        return void (sets[step.at] = step.set)
      case 'endpoint':
        return void (endpoints[step.at] = step.is)
      case 'policy':
        return void (policy = step.is)
      case 'decide':
        return void (answers[step.who] = step.answer)
    }
  }

  return {
    clock,
    fetched,
    events,
    take: async (step) => {
      const outcome = await take(step)
      await settle()
      return outcome
    },
  }
}

function setText(name: string, { first, second, renewed, more }: CacheKeys): string {
  const [one, two, anew] = [first.publicJwk, second.publicJwk, renewed.publicJwk]
  const members: Readonly<Record<string, readonly object[]>> = {
    first: [one],
    both: [one, two],
    'both, written otherwise': [two, one, { kty: 'unknown' }],
    second: [two],
    renewed: [anew],
    'renewed and second': [anew, two],
    twice: [one, anew],
    'twice, with thumbprints': [
      { ...one, x5t: 'first' },
      { ...anew, x5t: 'renewed' },
    ],
    five: [one, anew, ...more.map(({ publicJwk }) => publicJwk)],
  }
  return JSON.stringify({ keys: members[name] ?? [] })
}

async function answerOf(promise: ReturnType<Verifier['verify']>): Promise<unknown> {
  try {
    const verified = await promise
    const { claims, header, token, scopes } = verified
    const isFrozen = [verified, claims, header].every((value) => Object.isFrozen(value))
    return { claims, header, token, scopes: [...scopes], isFrozen }
  } catch (error) {
    if (!(error instanceof AuthError)) return { thrown: String(error) }
    const { code, status, message, expected, actual, hint, retryAfter } = error
    return { code, status, message, expected, actual, hint, retryAfter }
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/** Applies a step to worlds that must behave alike, and returns the result; throws if they differ. */
export async function takeAlike(worlds: Readonly<Record<string, World>>, step: Step): Promise<unknown> {
  const [[, reference] = [], ...others] = Object.entries(worlds)
  if (reference === undefined) throw new TypeError('no worlds')
  const expected = await reference.take(step)
  for (const [name, world] of others) {
    const answer = await world.take(step)
    const ours = { answer, fetched: world.fetched, events: unordered(world.events) }
    const theirs = { answer: expected, fetched: reference.fetched, events: unordered(reference.events) }
    if (!isDeepStrictEqual(ours, theirs))
      throw new Error(`${name} differs at ${JSON.stringify(step)}: ${show(ours)} instead of ${show(theirs)}`)
  }
  return expected
}

// A refresh in the background ends before or after the verification that started it. Only the use of a cache may differ.
function unordered(events: readonly VerifierEvent[]): readonly string[] {
  return events.map((event) => JSON.stringify({ ...event, cached: undefined })).toSorted()
}

interface Outcome {
  readonly answer: unknown
  readonly fetched: readonly string[]
  readonly events: readonly string[]
}

function show({ answer, fetched, events }: Outcome): string {
  return `${JSON.stringify(answer)?.slice(0, 600)} after ${fetched.length} fetches, told ${events.join(', ').slice(0, 600)}`
}
