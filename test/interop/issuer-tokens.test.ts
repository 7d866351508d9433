import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createVerifier } from '@claimgate/core'
import { createIssuer, localSigner, publicKeyPem, type SigningAlgorithm } from '@claimgate/issuer'
import { createTestKeys, supportedAlgorithms } from '@claimgate/testing'
import { jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'orders'
// A fifth in CI; all with `npm run fuzz`.
const TOKENS = process.env['FUZZ_COUNT'] === undefined ? 200 : 1000
const AT_ONCE = 50
const NOW = 1_800_000_000_000
const clock = { now: (): number => NOW, monotonic: (): number => 0 }

const claimsOf = (index: number) => ({
  sub: `reader ${index}`,
  scope: index % 2 === 0 ? 'orders:read' : 'orders:read orders:write',
  note: 'ä€😀'.repeat(index % 7),
  nested: { index, list: Array.from({ length: index % 5 }, (_, place) => place / 8) },
})

/** The results of `make` for each index, a few at a time. */
async function many<T>(make: (index: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = []
  for (let start = 0; start < TOKENS; start += AT_ONCE) {
    made.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, place) => make(start + place)))))
  }
  return made
}

/** Checks only the signature, with Node's own functions and without a JOSE library. */
function verifiedByNode(algorithm: string, key: KeyObject, token: string): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const hash = /^(?:RS|PS|ES)\d/.test(algorithm) ? `sha${algorithm.slice(2)}` : null
  const padding = algorithm.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const form = {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(key.asymmetricKeyType === 'rsa' ? { padding } : {}),
    ...(algorithm.startsWith('PS') ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}),
  } as const
  return verify(hash, Buffer.from(`${header}.${claims}`), form, Buffer.from(signature, 'base64url'))
}

describe.each((await supportedAlgorithms()) as readonly SigningAlgorithm[])(`${TOKENS} tokens with %s`, (algorithm) => {
  it('issued here are verified by jose and by node:crypto', async () => {
    const { publicKey, privateKey } = await createTestKeys(algorithm)
    const signer = await localSigner({ publicKey, privateKey }, { algorithm, kid: 'key-1' })
    const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, signer, clock })
    const options = { issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(NOW), algorithms: [algorithm] }

    const tokens = await many((index) => issuer.issue(claimsOf(index)))
    const seen = await many(async (index) => jwtVerify(tokens[index] ?? '', publicKey, options))
    expect(seen.map(({ payload }) => payload)).toEqual(
      seen.map(({ payload: { jti } }, index) => {
        const iat = NOW / 1000
        return { ...claimsOf(index), iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 600, jti }
      }),
    )
    expect(new Set(seen.map(({ payload }) => payload.jti)).size).toBe(TOKENS)
    expect(seen.every(({ protectedHeader }) => protectedHeader.kid === 'key-1')).toBe(true)

    const key = createPublicKey(await publicKeyPem(signer))
    expect(tokens.filter((token) => verifiedByNode(algorithm, key, token))).toHaveLength(TOKENS)
    // The check can also fail.
    const [[header, claims] = [], [, , signature] = []] = tokens.slice(0, 2).map((token) => token.split('.'))
    expect(verifiedByNode(algorithm, key, `${header}.${claims}.${signature}`)).toBe(false)
  })

  it('issued by jose are verified by core', async () => {
    const { publicPem, privateKey } = await createTestKeys(algorithm)
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: [algorithm],
      publicKey: publicPem,
      clock,
    })
    const seen = await many(async (index) => {
      const token = new SignJWT(claimsOf(index))
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt(NOW / 1000)
        .setExpirationTime(NOW / 1000 + 600)
      return verifier.verify(await token.sign(privateKey))
    })
    expect(seen.map(({ claims }) => claims)).toEqual(
      seen.map((_, index) => {
        const iat = NOW / 1000
        return { ...claimsOf(index), iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 600 }
      }),
    )
  })
})
