import { describe, expect, it } from 'vitest'

import { hasMaterial, importKey, listKeys } from '../../../../packages/core/src/keys/jwk/jwk-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { publicMaterial } from '../../../../packages/core/src/keys/jwk/lint.ts'

const [ec, other, rsa, ed, otherEd] = await Promise.all(
  ['ES256', 'ES256', 'RS256', 'Ed25519', 'Ed25519'].map(async (alg) =>
    publicMaterial({ ...(await publicJwk({}, alg)) }),
  ),
)

const PUBLISHED = { kid: 'a', alg: undefined, x5t: undefined, 'x5t#S256': undefined, issuer: undefined }

describe('an imported key', () => {
  it('is distinguished from one of other material', async () => {
    if (!ec || !other || !rsa || !ed || !otherEd) throw new Error('no keys')
    const key = await importKey(ec, 'ES256', PUBLISHED)
    expect([hasMaterial(key, ec), hasMaterial(key, { ...ec }), hasMaterial(key, other), hasMaterial(key, rsa)]).toEqual(
      [true, true, false, false],
    )
    const rsaKey = await importKey(rsa, 'RS256', PUBLISHED)
    expect(hasMaterial(rsaKey, rsa)).toBe(true)
    expect(hasMaterial(rsaKey, { ...rsa, e: 'Aw' })).toBe(false)
    expect(hasMaterial(rsaKey, { ...rsa, n: `${rsa.n?.slice(0, -1)}A` })).toBe(false)
    const edKey = await importKey(ed, 'EdDSA', PUBLISHED)
    expect([hasMaterial(edKey, ed), hasMaterial(edKey, otherEd)]).toEqual([true, false])
    expect(hasMaterial(await importKey(ec, 'ES256', PUBLISHED), { ...ec, y: other.y ?? '' })).toBe(false)
  })

  it('has no known material and no key ID if it is not published', async () => {
    if (!ec) throw new Error('no key')
    const key = await importKey(ec, 'ES256')
    expect(hasMaterial(key, ec)).toBe(false)
    expect(listKeys([key, await importKey(ec, 'ES256', PUBLISHED)])).toBe('one without kid, "a"')
  })

  it('verifies, and cannot be exported', async () => {
    if (!ec) throw new Error('no key')
    const key = await importKey(ec, 'ES256')
    expect([key.type, key.extractable, key.usages]).toEqual(['public', false, ['verify']])
  })

  it('is refused with its type, curve and algorithm if the runtime does not support it', async () => {
    if (!ec || !rsa) throw new Error('no key')
    await expect(importKey({ ...ec, crv: 'P-999' }, 'ES256')).rejects.toMatchObject({
      code: 'key_unusable',
      actual: '"EC P-999 for ES256"',
      hint: 'The runtime does not support this algorithm, or does not accept the key.',
      cause: expect.any(Error) as Error,
    })
    await expect(importKey({ kty: 'RSA', n: 'AQ' }, 'RS256')).rejects.toMatchObject({ actual: '"RSA for RS256"' })
    await expect(importKey({ kty: 'oct', k: 'AAAA' } as never, 'HS256')).rejects.toMatchObject({
      code: 'key_unusable',
      cause: { message: 'not a public key' },
    })
  })
})
