import { compactVerify, importJWK, importSPKI, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { createTestKeys, supportedAlgorithms } from '../../../packages/testing/src/keys/test-keys.ts'

const algorithms = await supportedAlgorithms()

describe('supportedAlgorithms', () => {
  it('has every classic asymmetric algorithm, and all of ML-DSA or none', () => {
    expect(algorithms).toEqual(expect.arrayContaining(['RS256', 'PS384', 'ES512', 'EdDSA', 'Ed25519']))
    expect([0, 3]).toContain(algorithms.filter((alg) => alg.startsWith('ML-DSA')).length)
  })
})

describe('createTestKeys', () => {
  it.each(algorithms)('signs %s tokens that jose verifies with the JWK and with the PEM', async (alg) => {
    const keys = await createTestKeys(alg, { kid: 'k1' })
    const token = await keys.sign({ sub: 'alice' }, { extra: 1 })
    for (const key of [await importJWK(keys.publicJwk), await importSPKI(keys.publicPem, alg)]) {
      const { payload, protectedHeader } = await jwtVerify(token, key, { algorithms: [alg] })
      expect(payload).toEqual({ sub: 'alice' })
      expect(protectedHeader).toEqual({ alg, kid: 'k1', typ: 'at+jwt', extra: 1 })
    }
  })

  it.each(algorithms)('publishes no private member of %s', async (alg) => {
    const { publicJwk, privateJwk } = await createTestKeys(alg, { kid: 'k1' })
    expect(
      Object.keys(publicJwk).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'priv', 'k'].includes(name)),
    ).toEqual([])
    expect(privateJwk).toMatchObject(publicJwk)
    expect(privateJwk.d ?? privateJwk.priv).toEqual(expect.any(String))
  })

  it('returns the same keys again, and others for another kid or generation', async () => {
    const material = async (options: { kid: string; generation?: number }) =>
      (await createTestKeys('ES256', options)).publicJwk.x
    const first = await material({ kid: 'same' })
    expect(await material({ kid: 'same' })).toBe(first)
    expect(await material({ kid: 'same', generation: 1 })).not.toBe(first)
    expect(await material({ kid: 'other' })).not.toBe(first)
  })

  it.each(algorithms.filter((alg) => !alg.startsWith('ML-DSA')))(
    'signs %s with a given key, under its kid',
    async (alg) => {
      const given = await createTestKeys(alg, { kid: 'theirs' })
      const keys = await createTestKeys(alg, { privateJwk: given.privateJwk, kid: 'other' })
      expect({ ...keys.publicJwk }).toEqual({ ...given.publicJwk })
      await jwtVerify(await keys.sign({}), given.publicKey)
      const { kid: _kid, alg: _alg, ...unnamed } = given.privateJwk
      expect((await createTestKeys(alg, { privateJwk: unnamed, kid: 'other' })).kid).toBe('other')
    },
  )

  it('rejects a given key that is public, or for another algorithm, without quoting it', async () => {
    const { publicJwk, privateJwk } = await createTestKeys('ES256')
    for (const [alg, jwk] of [
      ['ES256', publicJwk],
      ['RS256', privateJwk],
      ['ES256', { ...privateJwk, d: 'SECRET' }],
    ] as const)
      await expect(createTestKeys(alg, { privateJwk: jwk })).rejects.toThrow(
        `Cannot create test keys: "privateJwk" must be a private key for ${alg}`,
      )
    expect(() => createTestKeys('ES256', { privateJwk: 'SECRET' as never })).toThrow(
      '"privateJwk" must be a private JWK',
    )
  })

  it('omits header members that are undefined', async () => {
    const keys = await createTestKeys('ES256')
    const { protectedHeader } = await jwtVerify(await keys.sign({}, { kid: undefined, typ: undefined }), keys.publicKey)
    expect(protectedHeader).toEqual({ alg: 'ES256' })
  })

  it('signs raw texts byte by byte', async () => {
    const keys = await createTestKeys('ES256')
    const token = await keys.signRaw('{"alg":"ES256", "alg":"ES256"}', '{"exp":1e999}')
    const { payload } = await compactVerify(token, keys.publicKey)
    expect(new TextDecoder().decode(payload)).toBe('{"exp":1e999}')
    expect(atob(token.slice(0, token.indexOf('.')))).toBe('{"alg":"ES256", "alg":"ES256"}')
  })

  it('rejects an unknown algorithm', async () => {
    await expect(createTestKeys('XY256')).rejects.toMatchObject({ code: 'ERR_JOSE_NOT_SUPPORTED' })
  })
})
