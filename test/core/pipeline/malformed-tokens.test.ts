import { createHmac } from 'node:crypto'

import { type Algorithm, createVerifier } from '@claimgate/core'
import {
  createRandom,
  createTestKeys,
  supportedAlgorithms,
  type TokenMutation,
  tokenMutations,
} from '@claimgate/testing'
import { importJWK, type JWK, jwtVerify } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'

import { AUDIENCE, ISSUER, NOW, optionsWith } from '../../support/core/refusal.ts'
import { fuzzRun } from '../../support/fuzz/fuzz-run.ts'
import { judge, type Jury, newTally } from '../../support/fuzz/judge.ts'

const { seed, count } = fuzzRun(process.env)
const algorithms = await supportedAlgorithms()
const BATCH = 200

// An equal share of each algorithm; a quarter of all are signed again after the change, because they get further.
const SIGNED_AGAIN = Math.floor(count / 4)
const OF_EACH = Math.ceil((count - SIGNED_AGAIN) / algorithms.length)

const originals: readonly Readonly<Record<string, unknown>>[] = [
  { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: NOW + 600 },
  { iss: ISSUER, aud: [AUDIENCE, 'other'], sub: 'bob', exp: NOW + 60, nbf: NOW - 60, iat: NOW - 60, scope: 'a b' },
  {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'caf\u00e9 "\u{1f600}"',
    exp: NOW + 6,
    client_id: 'x',
    deep: { a: [{ b: [1, 2] }] },
  },
]

interface Report {
  readonly name: string
  readonly refusals: ReadonlyMap<string, number>
  readonly accepted: number
  readonly inputs: number
}
const reports: Report[] = []

/** Checks this many mutations, in batches, and returns violations of the rules. */
async function play(
  name: string,
  mutations: Iterator<TokenMutation>,
  inputs: number,
  jury: Jury,
  change = (token: string) => token,
) {
  const tally = newTally()
  for (let done = 0; done < inputs; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, inputs - done) }, () => change(mutations.next().value.token))
    await Promise.all(batch.map(async (token) => judge(token, jury, tally)))
    if (tally.broken.length > 0) break
  }
  reports.push({ name, inputs, accepted: tally.accepted, refusals: tally.refusals })
  return tally
}

async function joseOpinion(jwk: JWK, alg: string): Promise<Jury['opinion']> {
  const key = await importJWK(jwk, alg)
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: [alg],
    currentDate: new Date(NOW * 1000),
    clockTolerance: 5,
  }
  return async (token) => (await jwtVerify(token, key, options)).payload
}

describe(`${count} malformed tokens from seed ${seed}`, () => {
  it.each(algorithms)(
    '%s: a refusal or the claims of an original, and nothing that jose refuses',
    async (alg) => {
      const key = await createTestKeys(alg, { kid: 'key-1' })
      const other = await createTestKeys(alg, { kid: 'key-2' })
      const tokens = await Promise.all(originals.map(async (claims) => key.sign(claims)))
      const others = [...tokens, await other.sign(originals[0] ?? {}), await key.sign({ sub: 'unknown' })]
      const verifier = createVerifier(optionsWith({ jwks: { keys: [key.publicJwk] }, algorithms: [alg as Algorithm] }))
      const opinion = await joseOpinion(key.publicJwk, alg)
      const random = createRandom(seed + algorithms.indexOf(alg))
      // The original tokens come first: a run that refuses everything tests nothing.
      const mutations = after(tokens, alternating(tokens.map((token) => tokenMutations(token, random, { others }))))
      const { broken, accepted, refusals } = await play(alg, mutations, OF_EACH, { verifier, opinion, originals })
      expect(broken, `from seed ${seed}`).toEqual([])
      expect(accepted).toBeGreaterThanOrEqual(tokens.length)
      expect(refusals.size).toBeGreaterThan(8)
    },
    600_000,
  )

  it('signed again: a refusal, or the claims that jose reads from them', async () => {
    const secret = Buffer.alloc(32, 7)
    const signed = (input: string): string =>
      `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const tokens = originals.map((claims) => signed(`${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}`))
    const verifier = createVerifier(optionsWith({ secret }))
    const opinion = await joseOpinion({ kty: 'oct', k: secret.toString('base64url') }, 'HS256')
    const random = createRandom(seed - 1)
    const mutations = alternating(tokens.map((token) => tokenMutations(token, random, { others: tokens })))
    const again = (token: string): string => signed(token.split('.').slice(0, 2).join('.'))
    const { broken, accepted, refusals } = await play(
      'HS256, signed again',
      mutations,
      SIGNED_AGAIN,
      { verifier, opinion },
      again,
    )
    expect(broken, `from seed ${seed}`).toEqual([])
    expect(accepted).toBeGreaterThan(0)
    expect(refusals.size).toBeGreaterThan(12)
  }, 600_000)
})

function* after(
  tokens: readonly string[],
  mutations: Iterator<TokenMutation>,
): Generator<TokenMutation, never, undefined> {
  for (const token of tokens) yield { changes: [], token }
  for (;;) yield mutations.next().value as TokenMutation
}

function* alternating<T>(sources: readonly Iterator<T>[]): Generator<T, never, undefined> {
  for (;;) for (const source of sources) yield source.next().value as T
}

afterAll(() => {
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0)
  const lines = reports.map(({ name, inputs: own, accepted, refusals }) => {
    const codes = [...refusals].toSorted(([, one], [, other]) => other - one).map(([code, times]) => `${code} ${times}`)
    return `  ${name}: ${own} inputs, ${accepted} accepted; ${codes.join(', ')}`
  })
  process.stdout.write(`fuzz: seed ${seed}, ${inputs} inputs\n${lines.join('\n')}\n`)
})
