import { exportJWK, generateKeyPair, type JWK } from 'jose'

// A fixed key, because generating an RSA key takes as long as a hundred tests, and these tests use only its public half.
const RSA: JWK = {
  kty: 'RSA',
  n: 'koDoKX4RgxEO0FKtRWRev3IpoppvPut6W3PwMVUyxyRSB49BlUceOaYnChTYwSNcKnV7bP1DzyMtJ7CbwSbHi-tIGCwq-0kcHL9c2DWOfKwHPeg1sXH9o3sWr37JLuz37rVrQo-LPYzuva4-thnxDvGyBeT0mGW4TXQPI0x5H-G6L7oimTdni1Y2Xty_aZBZO5gjNvfl7nUY621OyUB-H-NToFKVZ2b2f8rM-BaMJZRN8Xj43UwOqxR9QLIhmmPU2SPHmZ1-KAYO60SWBqi8PWEGuXA_syIHsQJvWzFwk07m9qFmLcQSqQyNG1UUNh98E0kAQwDmSb5LWp2nwu49ew',
  e: 'AQAB',
}

/** A new public JWK for ES256. */
export async function publicJwk(members: Partial<JWK> = {}, alg = 'ES256'): Promise<JWK> {
  if (alg.startsWith('RS')) return { ...RSA, ...members }
  const { publicKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(publicKey)), ...members }
}
