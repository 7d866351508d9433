import { describe, expect, it, vi } from 'vitest'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import {
  importKey,
  listKeys,
  listSkipped,
  parseJwkSet,
  publicationOf,
} from '../../../../packages/core/src/keys/jwk/jwk-set.ts'
import { foundKeys, onlyKey } from '../../../../packages/core/src/keys/jwk/select-key.ts'
import { publicMaterial } from '../../../../packages/core/src/keys/jwk/lint.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const jwks = await Promise.all(Array.from({ length: 5 }, async () => publicJwk({}, 'ES256')))
const rsa = await publicJwk({}, 'RS256')
const HEADER = { alg: 'ES256' }

const setOf = (members: readonly (readonly [number, object?])[]) =>
  parseJwkSet({ keys: members.map(([index, more]) => ({ ...jwks[index], ...more })) })
const kidsFor = (members: readonly (readonly [number, object?])[], header: object = {}): unknown => {
  const selection = setOf(members).select({ ...HEADER, ...header })
  if (selection.kind === 'several') return selection.keys.map(({ index }) => index)
  return selection.kind === 'found' ? selection.key.index : selection.kind
}

describe('without a key ID', () => {
  it.each<readonly [string, Parameters<typeof kidsFor>[0], object, unknown]>([
    ['all that fit, up to four, are possible', [[0], [1], [2], [3]], {}, [0, 1, 2, 3]],
    ['five are too many', [[0], [1], [2], [3], [4]], {}, 'ambiguous'],
    ['keys of the same material are one', [[0, { kid: 'a' }], [0, { kid: 'b' }], [0]], {}, 0],
    ['keys of the same material are one of several', [[0], [1], [0]], {}, [0, 1]],
    [
      'a thumbprint selects',
      [
        [0, { x5t: 'a' }],
        [1, { x5t: 'b' }],
      ],
      { x5t: 'b' },
      1,
    ],
    ['a thumbprint of SHA-256 selects', [[0, { 'x5t#S256': 'a' }], [1]], { 'x5t#S256': 'a' }, 0],
    [
      'a thumbprint of SHA-256 is preferred',
      [
        [0, { x5t: 'a' }],
        [1, { 'x5t#S256': 'b' }],
      ],
      { x5t: 'a', 'x5t#S256': 'b' },
      1,
    ],
    ['an unknown thumbprint selects none', [[0, { x5t: 'a' }], [1]], { x5t: 'c' }, [0, 1]],
    ['a thumbprint that is no text selects none', [[0, { x5t: 'a' }], [1]], { x5t: ['a'] }, [0, 1]],
    ['a long thumbprint is not kept', [[0, { x5t: 'a'.repeat(129) }], [1]], { x5t: 'a'.repeat(129) }, [0, 1]],
    ['a thumbprint of 128 characters is kept', [[0, { x5t: 'a'.repeat(128) }], [1]], { x5t: 'a'.repeat(128) }, 0],
    ['a key of another algorithm does not fit', [[0, { alg: 'ES384' }]], {}, 'none_fits'],
  ])('%s', (_, members, header, expected) => {
    expect(kidsFor(members, header)).toEqual(expected)
  })
})

describe('several possible keys', () => {
  it('are imported once, in the order of the set', async () => {
    const set = setOf([[1, { kid: 'b' }], [0], [2, { kid: 'c' }]])
    const selection = set.select(HEADER)
    const keys = foundKeys(selection, { header: HEADER, about: () => '', onEvent: undefined })
    const imported = await set.importSome(keys, HEADER)
    expect(listKeys(imported)).toBe('"b", one without kid, "c"')
    expect(await set.importSome(keys, HEADER)).toEqual(imported)
    const frozen = Object.freeze({ ...HEADER })
    await set.importSome(keys, frozen)
    expect(set.imported.get(frozen)).toBeUndefined()
  })

  it('are kept for a header if there is only one', async () => {
    const set = setOf([[0]])
    const header = Object.freeze({ ...HEADER })
    const [key] = await set.importSome(
      foundKeys(set.select(header), { header, about: () => '', onEvent: undefined }),
      header,
    )
    expect(set.imported.get(header)).toBe(key)
    const changeable = { ...HEADER }
    await set.importSome(foundKeys(set.select(changeable), { header, about: () => '', onEvent: undefined }), changeable)
    expect(set.imported.get(changeable)).toBeUndefined()
  })

  it('leave out those that the runtime cannot use, unless it can use none', async () => {
    const set = setOf([[0], [1], [2]])
    const keys = foundKeys(set.select(HEADER), { header: HEADER, about: () => '', onEvent: undefined })
    const real = crypto.subtle.importKey.bind(crypto.subtle)
    let calls = 0
    const failing = vi.spyOn(crypto.subtle, 'importKey').mockImplementation(async (...given) => {
      calls += 1
      if (calls <= 3 || calls === 5) throw new DOMException('no', 'DataError')
      return real(...given)
    })
    try {
      await expect(set.importSome(keys, HEADER)).rejects.toMatchObject({
        code: 'key_unusable',
        actual: '"EC P-256 for ES256"',
        hint: 'The runtime does not support this algorithm, or does not accept the key.',
      })
      expect(await set.importSome(keys, HEADER)).toHaveLength(2)
    } finally {
      failing.mockRestore()
    }
  })

  it('leave out the first if the runtime cannot use it', async () => {
    const set = setOf([
      [0, { kid: 'a' }],
      [1, { kid: 'b' }],
    ])
    const keys = foundKeys(set.select(HEADER), { header: HEADER, about: () => '', onEvent: undefined })
    const failing = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValueOnce(new DOMException('no', 'DataError'))
    try {
      expect(listKeys(await set.importSome(keys, HEADER))).toBe('"b"')
    } finally {
      failing.mockRestore()
    }
  })

  it('may be none', async () => {
    expect(await setOf([[0]]).importSome([], HEADER)).toEqual([])
  })

  it('are too many for a source of one key, which says so', () => {
    const events: VerifierEvent[] = []
    const about = (): string => 'in a set'
    const onEvent = (event: VerifierEvent): void => void events.push(event)
    const refusalOf = (count: number): unknown =>
      onlyKey(setOf(Array.from({ length: count }, (_, index) => [index] as const)).select(HEADER), {
        header: HEADER,
        about,
        onEvent,
      })
    expect(refusalOf(4)).toMatchObject({
      code: 'key_ambiguous',
      expected: '"exactly one key"',
      actual: '4',
      hint: 'The token names no key ID',
    })
    expect(refusalOf(5)).toMatchObject({
      expected: '"at most 4 keys that fit"',
      actual: '5',
      hint: 'The token names no key ID, and of several keys that fit at most 4 are tried: a limit of Claimgate',
    })
    expect(events).toEqual([
      { type: 'key.ambiguous', candidates: 4 },
      { type: 'key.ambiguous', candidates: 5 },
    ])
  })
})

describe('an imported key', () => {
  it('knows how it is published, unchangeably', async () => {
    const published = { kid: 'a', alg: 'RS256', x5t: 'b', 'x5t#S256': 'c', issuer: 'd' }
    const key = await importKey(publicMaterial(rsa), 'RS256', published)
    expect(publicationOf(key)).toEqual(published)
    expect(Object.isFrozen(publicationOf(key))).toBe(true)
    expect(publicationOf(await importKey(publicMaterial(rsa), 'RS256'))).toBeUndefined()
  })

  it('has the members of a published key that are texts of a usual length', () => {
    const [kept, dropped] = parseJwkSet({
      keys: [
        { ...jwks[0], kid: 'a', issuer: 'i'.repeat(512) },
        { ...jwks[1], kid: 1, alg: 1, issuer: 'i'.repeat(513), x5t: null },
      ],
    }).toJwks().keys
    expect(kept).toEqual({ ...jwks[0], kid: 'a', issuer: 'i'.repeat(512), use: 'sig' })
    expect(dropped?.['issuer' as never]).toBeUndefined()
  })
})

describe('skipped members', () => {
  it('are listed, at most eight of them', () => {
    const skipped = Array.from({ length: 9 }, (_, index) => ({ reason: 'weak', detail: `member ${index}` }) as const)
    expect(listSkipped(skipped.slice(0, 2))).toBe('weak (member 0), weak (member 1)')
    expect(listSkipped(skipped.slice(0, 8))).not.toContain('more')
    expect(listSkipped(skipped)).toBe(`${listSkipped(skipped.slice(0, 8))}, and 1 more`)
    expect(listSkipped([])).toBe('')
  })
})
