import { createTestKeys } from '@claimgate/testing'
import type { JSONWebKeySet } from 'jose'

export const ISSUER = 'https://auth.example.com'
export const AUDIENCE = 'https://orders.example.com'

/** Tokens of one issuer, valid and invalid, by name. */
export type Tokens = Readonly<Record<TokenName, string>>

export type TokenName =
  | 'good'
  | 'reader'
  | 'withoutScope'
  | 'expired'
  | 'notYetValid'
  | 'withoutExpiry'
  | 'wrongIssuer'
  | 'wrongAudience'
  | 'forged'
  | 'tampered'
  | 'unsigned'
  | 'unknownKey'
  | 'idToken'
  | 'senderConstrained'
  | 'steppedUp'

export interface Credentials {
  readonly jwks: JSONWebKeySet
  readonly tokens: Tokens
}

/** @param more - claims of every token */
export async function createCredentials(more: object = {}): Promise<Credentials> {
  const [keys, attacker] = await Promise.all([createTestKeys('ES256'), createTestKeys('ES256', { generation: 1 })])
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    iat: now,
    exp: now + 600,
    scope: 'orders:read orders:write',
    tenant: 'acme',
    ...more,
  }
  const good = await keys.sign(claims)
  const [header = '', , signature = ''] = good.split('.')
  const unsigned = [{ alg: 'none', typ: 'at+jwt' }, claims].map(base64url).join('.')
  return {
    jwks: { keys: [keys.publicJwk] },
    tokens: {
      good,
      reader: await keys.sign({ ...claims, scope: 'orders:read', tenant: 'umbrella' }),
      withoutScope: await keys.sign({ ...claims, scope: undefined }),
      expired: await keys.sign({ ...claims, iat: now - 1200, exp: now - 600 }),
      notYetValid: await keys.sign({ ...claims, nbf: now + 300 }),
      withoutExpiry: await keys.sign({ ...claims, exp: undefined }),
      wrongIssuer: await keys.sign({ ...claims, iss: `${ISSUER}/` }),
      wrongAudience: await keys.sign({ ...claims, aud: 'https://billing.example.com' }),
      forged: await attacker.sign(claims),
      tampered: [header, base64url({ ...claims, sub: 'mallory' }), signature].join('.'),
      unsigned: `${unsigned}.`,
      unknownKey: await keys.sign(claims, { kid: 'unknown' }),
      idToken: await keys.sign({ ...claims, nonce: 'n' }, { typ: 'JWT' }),
      senderConstrained: await keys.sign({ ...claims, cnf: { jkt: 'thumbprint' } }),
      steppedUp: await keys.sign({
        ...claims,
        acr: 'mfa',
        auth_time: now,
        authorization_details: [{ type: 'payment', actions: ['initiate'], amount: '20.00' }],
      }),
    },
  }
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
