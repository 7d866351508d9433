import { createVerifier, type Limits, type RemoteKeySetTuning } from '@claimgate/core'
import { DEFAULT_LIMITS, MAXIMUM_LIMITS, remoteKeySet, staticKeySet } from '@claimgate/core/extend'
import { createTestKeys, startFaultyJwksServer, type TestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import {
  accessClaims,
  AUDIENCE,
  encode,
  optionsWith,
  refusalOf,
  refused,
  VERIFIED,
  verdictOn,
  type Answer,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const jwks = { keys: [key.publicJwk] }

/** Members as a part of exactly this many characters, padded with white space; an impossible length of a part ends in an A. */
function filled(members: object, length: number): string {
  if (length % 4 === 1) return `${filled(members, length - 1)}A`
  return encode(JSON.stringify(members).padEnd(Math.floor((length * 3) / 4)))
}

/** An array with this many values, including nested ones, and at most 500 in one array. */
function nested(values: number): readonly unknown[] {
  const outer: unknown[] = []
  for (let rest = values; rest > 0;) {
    const size = Math.min(499, rest - 1)
    outer.push(size === 0 ? 0 : Array<number>(size).fill(0))
    rest -= size + 1
  }
  return outer
}

const HEADER = { alg: 'ES256', kid: 'key-1' }
const sign = async (header: string, claims: string, by: TestKeys = key): Promise<string> =>
  `${header}.${claims}.${await by.signWith(`${header}.${claims}`)}`

interface Row {
  readonly limit: keyof Limits
  /** A token with exactly this much of it. */
  readonly token: (amount: number) => Promise<string>
  readonly refusal: Answer
  /** Higher values for other limits that would be reached first. */
  readonly roomy?: Partial<Limits>
}

const rows: readonly Row[] = [
  {
    limit: 'tokenLength',
    token: async (amount) => {
      // A header whose length leaves the claims a possible one.
      const header = [40, 42, 43]
        .map((length) => filled(HEADER, length))
        .find(({ length }) => (amount - length) % 4 !== 1)
      return sign(header ?? '', filled(accessClaims(), amount - (header ?? '').length - 88))
    },
    refusal: refused('token_too_long'),
  },
  {
    limit: 'headerLength',
    token: async (amount) => sign(filled(HEADER, amount), encode(accessClaims())),
    refusal: refused('header_too_long'),
  },
  {
    limit: 'kidLength',
    token: async (amount) => key.sign(accessClaims(), { kid: 'k'.repeat(amount) }),
    refusal: refused('kid_malformed'),
    roomy: { headerLength: 8192 },
  },
  {
    limit: 'audiences',
    token: async (amount) => key.sign(accessClaims({ aud: [...Array<string>(amount - 1).fill('a'), AUDIENCE] })),
    refusal: refused('claim_too_long'),
    roomy: { members: 4096 },
  },
  {
    limit: 'scopes',
    token: async (amount) => key.sign(accessClaims({ scope: Array<string>(amount).fill('s').join(' ') })),
    refusal: refused('claim_too_long'),
  },
  {
    limit: 'members',
    token: async (amount) => key.sign(accessClaims({ x: Array<number>(amount).fill(0) })),
    refusal: refused('json_limits'),
  },
  {
    limit: 'nodes',
    // The eight claims of an access token, their object, and x: the rest are the elements of x.
    token: async (amount) => key.sign(accessClaims({ x: nested(amount - 10) })),
    refusal: refused('json_limits'),
    roomy: { tokenLength: 65_536, members: 4096 },
  },
  {
    limit: 'depth',
    token: async (amount) => {
      const text = `${JSON.stringify(accessClaims()).slice(0, -1)},"x":${'['.repeat(amount - 1)}${']'.repeat(amount - 1)}}`
      return key.signRaw(JSON.stringify(HEADER), text)
    },
    refusal: refused('json_limits'),
  },
]

describe('the limits on a token', () => {
  it('are those of the table', () => {
    expect(DEFAULT_LIMITS).toEqual({
      tokenLength: 16_384,
      headerLength: 4096,
      kidLength: 256,
      audiences: 128,
      scopes: 1024,
      members: 1024,
      nodes: 4096,
      depth: 16,
    })
    expect(MAXIMUM_LIMITS).toEqual({
      tokenLength: 65_536,
      headerLength: 8192,
      kidLength: 1024,
      audiences: 4096,
      scopes: 4096,
      members: 4096,
      nodes: 65_536,
      depth: 64,
    })
    expect(rows.map(({ limit }) => limit).toSorted()).toEqual(Object.keys(DEFAULT_LIMITS).toSorted())
  })

  describe.each(rows)('$limit', ({ limit, token, refusal, roomy = {} }) => {
    const most = DEFAULT_LIMITS[limit]
    // The key has the name in the token; a header without a valid name is refused earlier.
    const keysFor = async (text: string) => {
      const [header = ''] = text.split('.')
      const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
      return { keys: [{ ...key.publicJwk, kid }] }
    }
    const judge = async (text: string, limits: Partial<Limits>): Promise<Answer> =>
      verdictOn(text, optionsWith({ jwks: await keysFor(text).catch(() => jwks), limits: { ...roomy, ...limits } }))

    it('accepts as much as is allowed by default, and refuses one more', async () => {
      expect(await judge(await token(most), {})).toEqual(VERIFIED)
      expect(await judge(await token(most + 1), {})).toEqual(refusal)
    })

    it('can be raised, and then accepts as much as that and refuses one more', async () => {
      const raised = Math.min(2 * most, MAXIMUM_LIMITS[limit] - 1)
      expect(await judge(await token(raised), { [limit]: raised })).toEqual(VERIFIED)
      expect(await judge(await token(raised + 1), { [limit]: raised })).toEqual(refusal)
    })

    it('is named if a token exceeds it, and is not a fault of the issuer', async () => {
      const text = await token(most + 1)
      const messageWith = async (limits: Partial<Limits>) =>
        (await refusalOf(text, optionsWith({ jwks, limits: { ...roomy, ...limits } }))).message
      expect(await messageWith({})).toContain(
        `. If tokens of this issuer may hold so much, raise "limits.${limit}": it can be up to ${MAXIMUM_LIMITS[limit]}`,
      )
    })

    it('can be lowered', async () => {
      const lowered = most / 2
      expect(await judge(await token(lowered), { [limit]: lowered })).toEqual(VERIFIED)
      expect(await judge(await token(lowered + 1), { [limit]: lowered })).toEqual(refusal)
    })

    it('has a maximum that no option exceeds', () => {
      const start = (value: unknown) => () => createVerifier(optionsWith({ jwks, limits: { [limit]: value } }))
      expect(start(MAXIMUM_LIMITS[limit])).not.toThrow()
      for (const value of [MAXIMUM_LIMITS[limit] + 1, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '8', [8]])
        expect(start(value), String(value)).toThrow(
          `"limits.${limit}" must be a whole number from 1 to ${MAXIMUM_LIMITS[limit]}`,
        )
    })
  })

  it('cannot be raised past its maximum, and then the message says so', async () => {
    const text = await key.sign(accessClaims({ scope: Array<string>(4097).fill('s').join(' ') }))
    expect((await refusalOf(text, optionsWith({ jwks, limits: { scopes: 4096 } }))).hint).toBe(
      'The limit is that of Claimgate, and "limits.scopes" is at its maximum: ask the issuer for smaller tokens',
    )
  })

  it('allow a token of Keycloak with 40 audiences, 300 roles and 300 scopes', async () => {
    const roles = Array.from({ length: 300 }, (_, n) => `role-${n}`)
    const aud = [...Array.from({ length: 39 }, (_, n) => `client-${n}`), AUDIENCE]
    const text = await key.sign(accessClaims({ aud, realm_access: { roles }, scope: roles.join(' ') }))
    expect(await verdictOn(text, optionsWith({ jwks }))).toEqual(VERIFIED)
  })

  it('have no other names', () => {
    expect(() => createVerifier(optionsWith({ jwks, limits: { tokenSize: 1 } }))).toThrow(
      'there is no option "limits.tokenSize"',
    )
  })
})

const tuning: readonly (readonly [keyof RemoteKeySetTuning, number, number, number])[] = [
  ['maxBytes', 1, 65_536, 1_048_576],
  ['maxKeys', 1, 64, 1000],
  ['timeout', 0.01, 5, 30],
  ['softWait', 0, 1, 30],
  ['fetchesPerMinute', 1, 10, 60],
  ['freshFor', 1, 600, 86_400],
  ['staleFor', 0, 3600, 86_400],
  ['cooldown', 1, 30, 3600],
]

describe('the limits on a JWK Set', () => {
  it.each(tuning)('%s is from %d, with a default of %d, to %d', (name, least, usual, most) => {
    const start = (value: unknown) => () => remoteKeySet('https://issuer.example/jwks', { [name]: value })
    for (const value of [least, usual, most, undefined]) expect(start(value)).not.toThrow()
    for (const value of [least - 1, most + 1, Number.NaN, '5'])
      expect(start(value), String(value)).toThrow(`"${name}" must be a`)
  })

  const members = (count: number) => Array.from({ length: count }, (_, n) => ({ ...key.publicJwk, kid: `k${n}` }))

  it('allow 64 keys by default, and 1,000 at most', async () => {
    const token = await key.sign(accessClaims(), { kid: 'k0' })
    const answer = async (count: number, maxKeys?: number): Promise<Answer> => {
      const server = await startFaultyJwksServer({ jwks: { keys: members(count) } })
      const keySet = { allowLoopbackHttp: true, maxBytes: 1_048_576, ...(maxKeys === undefined ? {} : { maxKeys }) }
      const given = await verdictOn(token, optionsWith({ jwksUri: server.url, keySet }))
      await server.close()
      return given
    }
    expect(await answer(64)).toEqual(VERIFIED)
    expect(await answer(65)).toEqual(refused('keys_unavailable'))
    expect(await answer(65, 65)).toEqual(VERIFIED)
    expect(await answer(1000, 1000)).toEqual(VERIFIED)
    expect(await answer(1001, 1000)).toEqual(refused('keys_unavailable'))
    expect(() => staticKeySet({ keys: members(65) })).toThrow(
      'at most 64 are read; "maxKeys" sets this limit, up to 1000',
    )
  })

  it('allow 64 KiB by default, and as much as configured', async () => {
    const token = await key.sign(accessClaims())
    const answer = async (bytes: number, maxBytes?: number): Promise<Answer> => {
      const server = await startFaultyJwksServer()
      const text = JSON.stringify({ filler: '', ...jwks })
      const body = { filler: 'x'.repeat(bytes - text.length), ...jwks }
      await server.behave({ kind: 'ok', body })
      const keySet = { allowLoopbackHttp: true, ...(maxBytes === undefined ? {} : { maxBytes }) }
      const given = await verdictOn(token, optionsWith({ jwksUri: server.url, keySet }))
      await server.close()
      return given
    }
    expect(await answer(65_536)).toEqual(VERIFIED)
    expect(await answer(65_537)).toEqual(refused('keys_unavailable'))
    expect(await answer(65_537, 65_537)).toEqual(VERIFIED)
    expect(await answer(1_048_576, 1_048_576)).toEqual(VERIFIED)
    expect(await answer(1_048_577, 1_048_576)).toEqual(refused('keys_unavailable'))
  })
})
