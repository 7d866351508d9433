import type { JWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import type { JoseHeader } from '../../../../packages/core/src/model/token.ts'
import { staticKeySet } from '../../../../packages/core/src/keys/static-key-set.ts'
import { listKids } from '../../../../packages/core/src/keys/jwk/select-key.ts'
import { parseJwkSet } from '../../../../packages/core/src/keys/jwk/jwk-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const [ec, other, ed, rsa] = await Promise.all(
  ['ES256', 'ES256', 'Ed25519', 'RS256'].map(async (alg) => publicJwk({}, alg)),
)

/** Code and message of a refusal. */
async function refusal(keys: readonly unknown[], header: JoseHeader): Promise<string> {
  try {
    await staticKeySet({ keys: keys as JWK[] }).resolve(header)
    return 'found'
  } catch (error) {
    return error instanceof AuthError ? `${error.code}: ${error.message}` : String(error)
  }
}

describe('two keys with one key ID', () => {
  it('are never tried one after the other', async () => {
    const set = staticKeySet({ keys: [ec, other].map((key) => ({ ...key, kid: 'a' })) })
    await expect(set.candidates?.({ alg: 'ES256', kid: 'a' })).rejects.toMatchObject({ code: 'key_ambiguous' })
    await expect(set.resolve({ alg: 'ES256', kid: 'a' })).rejects.toMatchObject({ code: 'key_ambiguous' })
  })

  it('are not distinguished by a thumbprint', async () => {
    const keys = [
      { ...ec, kid: 'a', x5t: 'one' },
      { ...other, kid: 'a', x5t: 'two' },
    ]
    expect(await refusal(keys, { alg: 'ES256', kid: 'a', x5t: 'two' })).toMatch(/^key_ambiguous: /)
  })
})

describe('a refusal reports', () => {
  it('what was expected and what was found', async () => {
    expect(await refusal([{ ...ec, kid: 'a' }], { alg: 'ES256', kid: 'b' })).toBe(
      'key_not_found: No published key fits the token. No key with kid "b" in a set of 1: "a"',
    )
    expect(await refusal([{ ...ec, kid: 'a' }], { alg: 'ES256', kid: 'k '.repeat(40) })).toBe(
      `key_not_found: No published key fits the token. No key with kid "${'k '.repeat(40)}" in a set of 1: "a"`,
    )
    expect(await refusal([{ ...ec, kid: 'a' }], { alg: 'ES256', kid: `"\n${'k '.repeat(40)}` })).toBe(
      `key_not_found: No published key fits the token. No key with kid "\\"\\n${'k '.repeat(38)}…" in a set of 1: "a"`,
    )
    expect(await refusal([ec, { ...rsa, kid: 'b', use: 'enc' }], { alg: 'RS256', kid: 'b' })).toBe(
      'key_not_found: No published key fits the token. The key with kid "b" was skipped as wrong_use, because of "use" (in a set of 1: )',
    )
    expect(await refusal([ec, { ...ec, kid: 'b', y: ec?.x }], { alg: 'ES256', kid: 'b' })).toBe(
      'key_not_found: No published key fits the token. The key with kid "b" was skipped as invalid_point (in a set of 1: )',
    )
    expect(await refusal([{ ...rsa, kid: 'r' }], { alg: 'ES256' })).toBe(
      'key_not_found: No published key fits the token: expected "a key for ES256". ' +
        'The token names no key ID, and none of the keys fits its algorithm (in a set of 1: "r")',
    )
    expect(await refusal([ec, other], { alg: 'ES256' })).toBe(
      'key_ambiguous: More than one published key fits the token: expected "exactly one key", found 2. The token names no key ID',
    )
    expect(
      await refusal(
        [ec, other].map((key) => ({ ...key, kid: 'a' })),
        { alg: 'ES256', kid: 'a' },
      ),
    ).toBe(
      'key_ambiguous: More than one published key fits the token: expected "exactly one key", found 2. ' +
        'The key set holds different keys under the same key ID',
    )
    const named = [
      { ...ed, kid: 'a', alg: 'EdDSA' },
      { ...ec, kid: 'a' },
      { ...rsa, kid: 'a', alg: 'PS256' },
      { ...rsa, kid: 'a' },
    ]
    expect(await refusal(named, { alg: 'ES384', kid: 'a' })).toBe(
      'algorithm_key_mismatch: The algorithm of the token does not fit the key: ' +
        'expected ["EdDSA","P-256","PS256","RSA"], found "ES384"',
    )
  })

  it('that a key ID names more than four keys', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, async () => publicJwk({ kid: 'a' })))
    expect(await refusal(keys, { alg: 'ES256', kid: 'a' })).toBe(
      'key_ambiguous: More than one published key fits the token: expected "exactly one key", found 5. ' +
        'The key set holds different keys under the same key ID',
    )
  })

  it('that the runtime does not accept the key', async () => {
    const mlDsa = { kty: 'AKP', alg: 'ML-DSA-44', pub: `${'A'.repeat(1749)}A` }
    const unsupported =
      /^key_unusable: The key for the token cannot be used in this runtime: found "AKP for ML-DSA-44"\. /
    // A runtime with ML-DSA accepts it.
    expect(await refusal([mlDsa], { alg: 'ML-DSA-44' })).toMatch(
      new RegExp(
        `^found$|${unsupported.source}The runtime does not support this algorithm, or does not accept the key\\.$`,
      ),
    )
  })
})

describe('the key IDs of a set', () => {
  const listed = (kids: readonly string[]): string =>
    listKids(parseJwkSet({ keys: kids.map((kid) => ({ ...ec, kid })) }))

  it('are quoted, in their order', () => {
    expect(listed(['b', 'a', 'c"\n'])).toBe('"b", "a", "c\\"\\n"')
    expect(listed([])).toBe('')
  })

  it('are at most eight', () => {
    expect(listed(['1', '2', '3', '4', '5', '6', '7', '8'])).toBe('"1", "2", "3", "4", "5", "6", "7", "8"')
    expect(listed(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])).toBe(
      '"1", "2", "3", "4", "5", "6", "7", "8", and 2 more',
    )
  })

  it('are quoted once for all refusals of a set', () => {
    const kids = ['a', 'b']
    const slice = vi.spyOn(kids, 'slice')
    expect([listKids({ kids }), listKids({ kids })]).toEqual(['"a", "b"', '"a", "b"'])
    expect(slice).toHaveBeenCalledOnce()
  })

  it('are shortened after 40 characters', () => {
    expect(listed(['k'.repeat(40), 'l'.repeat(41)])).toBe(`"${'k'.repeat(40)}", "${'l'.repeat(40)}…"`)
  })
})
