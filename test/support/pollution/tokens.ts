import { createTestKeys } from '@claimgate/testing'
import { CompactEncrypt, generateKeyPair } from 'jose'
import { AUDIENCE, CLIENT, ISSUER } from './hostile.ts'

const now = Math.floor(Date.now() / 1000)

/** Claims that are accepted. */
export const GOOD = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user-1',
  client_id: CLIENT,
  exp: now + 3600,
  iat: now,
  jti: 'token-1',
  scope: 'orders:read',
}

function without(...names: readonly (keyof typeof GOOD)[]): object {
  return Object.fromEntries(Object.entries(GOOD).filter(([name]) => !names.includes(name as keyof typeof GOOD)))
}

/** The keys, and one token for each missing or wrong part. All are created before anything is polluted. */
export async function makeTokens() {
  const keys = await createTestKeys('ES256')
  const attacker = await createTestKeys('ES256', { generation: 666, kid: 'attacker' })
  const sameKid = await createTestKeys('ES256', { generation: 666 })
  const encryption = await generateKeyPair('ECDH-ES', { extractable: true })
  const tokens = {
    good: await keys.sign(GOOD),
    expired: await keys.sign({ ...GOOD, exp: now - 600, iat: now - 1200 }),
    early: await keys.sign({ ...GOOD, nbf: now + 600 }),
    'without iss': await keys.sign(without('iss')),
    'without aud': await keys.sign(without('aud')),
    'without sub and jti': await keys.sign(without('sub', 'jti')),
    'without exp': await keys.sign(without('exp')),
    'without iat': await keys.sign(without('iat')),
    'without client': await keys.sign(without('client_id')),
    'without scope': await keys.sign(without('scope')),
    'for another': await keys.sign({ ...GOOD, aud: 'https://other.example' }),
    'from another': await keys.sign({ ...GOOD, iss: 'https://attacker.example' }),
    'ID token': await keys.sign({ ...GOOD, nonce: 'n' }),
    bound: await keys.sign({ ...GOOD, cnf: { jkt: 'x' } }),
    'without typ': await keys.sign(GOOD, { typ: undefined }),
    'without kid': await keys.sign(GOOD, { kid: undefined }),
    // Old enough for a key set to deny its key, however slow the machine is.
    'of the attacker': await attacker.sign({ ...GOOD, sub: 'attacker', iat: now - 600 }),
    'of the attacker, by the same kid': await sameKid.sign({ ...GOOD, sub: 'attacker' }),
    junk: 'a.b.c',
  }
  const nested = await new CompactEncrypt(new TextEncoder().encode(tokens.good))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(encryption.publicKey)
  return { keys, attacker, encryption, tokens, nested }
}

export type Made = Awaited<ReturnType<typeof makeTokens>>
