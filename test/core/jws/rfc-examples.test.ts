import { createVerifier } from '@claimgate/core'
import { type KeySource, staticKeySet, verifyJws } from '@claimgate/core/extend'
import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import { JOE_SECRET, JOE_TOKEN, RFC_EXAMPLES, UNSECURED_TOKEN } from '../../support/vectors/rfc-examples.ts'

/** Only the key, in a JWK Set; a secret never comes from one, so it has its own source. */
function sourceOf(key: JWK): KeySource {
  if (key.kty !== 'oct') return staticKeySet({ keys: [key] })
  const bytes = Buffer.from(key.k ?? '', 'base64url')
  return {
    resolve: () => crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']),
  }
}

describe('examples of the RFCs', () => {
  it.each(RFC_EXAMPLES)('$name, $alg, verifies and returns its payload', async ({ alg, key, token, text }) => {
    const keys = sourceOf(key)
    const { header, payload } = await verifyJws(token, { keys, algorithms: [alg] })
    expect(header.alg).toBe(alg)
    expect(new TextDecoder().decode(payload)).toBe(text)
  })

  it.each(RFC_EXAMPLES)('$name, $alg, does not verify with one changed bit', async ({ alg, key, token }) => {
    const keys = sourceOf(key)
    const [header, payload = '', signature] = token.split('.')
    const bytes = Buffer.from(payload, 'base64url')
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    const changed = `${header}.${bytes.toString('base64url')}.${signature}`
    await expect(verifyJws(changed, { keys, algorithms: [alg] })).rejects.toMatchObject({
      name: 'AuthError',
      code: 'signature_invalid',
      status: 401,
    })
  })

  it('RFC 7519 3.1 is a JWT whose claims verify with a clock of that time', async () => {
    const verifier = createVerifier({
      issuer: 'joe',
      audience: null,
      secret: Buffer.from(JOE_SECRET.k, 'base64url'),
      clock: { now: () => 1_300_819_379_000 },
    })
    const { claims } = await verifier.verify(JOE_TOKEN)
    expect(claims).toEqual({ iss: 'joe', exp: 1_300_819_380, 'http://example.com/is_root': true })
  })

  it('RFC 7519 3.1 has since expired', async () => {
    const secret = Buffer.from(JOE_SECRET.k, 'base64url')
    const verifier = createVerifier({ issuer: 'joe', audience: null, secret })
    await expect(verifier.verify(JOE_TOKEN)).rejects.toMatchObject({ code: 'token_expired', status: 401 })
  })

  it('RFC 7515 A.5 and RFC 7519 6.1, the unsecured JWT, is refused by every verifier', async () => {
    const keys = sourceOf(RFC_EXAMPLES.find(({ alg }) => alg === 'RS256')?.key ?? {})
    const refusal = { name: 'AuthError', code: 'algorithm_not_allowed', status: 401 }
    await expect(verifyJws(UNSECURED_TOKEN, { keys, algorithms: ['RS256'] })).rejects.toMatchObject(refusal)
    const clock = { now: () => 1_300_819_379_000 }
    const verifier = createVerifier({ issuer: 'joe', audience: null, keys, clock })
    await expect(verifier.verify(UNSECURED_TOKEN)).rejects.toMatchObject(refusal)
  })
})
