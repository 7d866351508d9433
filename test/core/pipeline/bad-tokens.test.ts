import { AuthError, createVerifier, type ErrorCode } from '@claimgate/core'
import { badTokens, createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { accessClaims, answerTo, NO_TRAFFIC, NOW, optionsWith, publish, refused } from '../../support/core/refusal.ts'
import { EXPECTED, HARMLESS, OF_LENGTH } from '../../support/attacks/expected-codes.ts'

const ONE_LENGTH = new Set(['ES256', 'EdDSA'])

function expectedFor(alg: string): ReadonlyMap<string, ErrorCode | 'verified'> {
  const entries = Object.entries(EXPECTED) as readonly (readonly [ErrorCode, readonly string[]])[]
  const ofLength: ErrorCode = ONE_LENGTH.has(alg) ? 'signature_malformed' : 'signature_invalid'
  return new Map<string, ErrorCode | 'verified'>([
    ...entries.flatMap(([code, names]) => names.map((name) => [name, code] as const)),
    ...OF_LENGTH.map((name) => [name, ofLength] as const),
    ...HARMLESS.map((name) => [name, 'verified'] as const),
  ])
}

async function make(alg: string, trapUrl?: string) {
  const key = await createTestKeys(alg, { kid: 'key-1' })
  const token = await key.sign(accessClaims())
  const { signWith, publicJwk, publicPem } = key
  const trap = trapUrl === undefined ? {} : { trapUrl }
  return { key, token, bad: await badTokens({ token, signWith, publicJwk, publicPem, now: NOW, ...trap }) }
}

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA', 'PS256']

describe.each(ALGORITHMS)('bad tokens of %s', (alg) => {
  it('are each refused with the code of their fault, and never with anything but an AuthError', async () => {
    const { key, token, bad } = await make(alg)
    const verifier = createVerifier(optionsWith({ jwks: { keys: [key.publicJwk] } }))
    expect((await verifier.verify(token)).claims).toEqual(accessClaims())
    const expected = expectedFor(alg)
    const wrong: string[] = []
    for (const { name, token: text } of bad) {
      const answer = await verifier.verify(text).then(
        () => 'verified',
        (error: unknown) => (error instanceof AuthError ? error.code : `threw ${String(error)}`),
      )
      if (answer !== expected.get(name)) wrong.push(`${name}: ${answer}, expected ${expected.get(name)}`)
    }
    expect(wrong).toEqual([])
    expect(bad.length).toBeGreaterThan(400)
    const mustBeRefused = bad.filter(({ refusal }) => refusal === 'required').map(({ name }) => name)
    expect(mustBeRefused.filter((name) => HARMLESS.includes(name))).toEqual([])
  })

  it('cause no connection to their URLs, and none to the issuer except for an unknown kid', async () => {
    await using trap = await publish([])
    const { key, bad } = await make(alg, trap.server.url)
    const expected = expectedFor(alg)
    await using keys = await publish([key.publicJwk])
    const verifier = createVerifier(keys.options)
    for (const { name, token } of bad) {
      // Claims are checked only after the signature, which needs keys.
      if (isRefusedBeforeKeys(expected.get(name) ?? 'verified')) await verifier.verify(token).catch(() => undefined)
    }
    expect([trap.traffic(), keys.traffic()]).toEqual([NO_TRAFFIC, NO_TRAFFIC])
    for (const { token } of bad) await verifier.verify(token).catch(() => undefined)
    expect(trap.traffic()).toEqual(NO_TRAFFIC)
    expect(keys.traffic().requests).toBeLessThanOrEqual(2)
    verifier.close()
  })
})

function isRefusedBeforeKeys(code: ErrorCode | 'verified'): boolean {
  return /^(?:token_(?:too_long|malformed|encoding)|json_|header_|kid_|algorithm_not_allowed|signature_malformed|issuer_)/.test(
    code,
  )
}

describe('the table of bad tokens', () => {
  it('lists every bad token, and no other', async () => {
    const made = await Promise.all(ALGORITHMS.map(async (alg) => (await make(alg)).bad.map(({ name }) => name)))
    expect([...expectedFor('ES256').keys()].toSorted()).toEqual([...new Set(made.flat())].toSorted())
  })
})

describe('a bad token', () => {
  it('gets the same answer over HTTP, with status and challenge', async () => {
    const { key, bad } = await make('ES256')
    const options = optionsWith({ jwks: { keys: [key.publicJwk] } })
    const expected = expectedFor('ES256')
    for (const { name, token, refusal } of bad) {
      if (refusal !== 'required' || !/^[\w.~+/-]+=*$/.test(token)) continue
      const code = expected.get(name)
      if (code === undefined || code === 'verified') throw new Error(`${name} has no code`)
      expect(await answerTo(token, options), name).toEqual(refused(code))
    }
  })
})
