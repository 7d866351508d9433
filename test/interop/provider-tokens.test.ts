import { createVerifier } from '@claimgate/core'
import { createReferenceVerifier } from '@claimgate/core/extend'
import { createTestKeys, type TestKeys } from '@claimgate/testing'
import type { CryptoKey } from 'jose'
import { describe, expect, it } from 'vitest'

import { accessClaims, encode, optionsWith, publish, signParts } from '../support/core/refusal.ts'

const rsa = await createTestKeys('RS256', { kid: 'current' })
const former = await createTestKeys('RS256', { kid: 'former', generation: 1 })
const ec = await createTestKeys('ES256', { kid: 'current' })

// Synthetic certificates and hashes: only their shape is a provider's.
const CERTIFICATE = 'MIIC'.repeat(300)
const SHA1 = 'ykNaY4qM_ta4k2TgZOCEYLkcYlA'
const SHA1_HEX = encode('f1b2c3d4e5a6978877665544332211000fedcba9')

/** The shape of a provider's tokens and keys: headers and JWK Sets. */
interface Shape {
  readonly provider: string
  readonly signer?: TestKeys
  readonly header: object
  /** Members of the JWK Set besides the key material, of the key that signs first. */
  readonly members: readonly (readonly [TestKeys, object])[]
  readonly claims?: Readonly<Record<string, unknown>>
  readonly options?: object
}

const shapes: readonly Shape[] = [
  {
    provider: 'SAP XSUAA and UAA',
    header: { typ: 'JWT', jku: 'https://shop.authentication.example/token_keys', jid: 'x' },
    members: [[rsa, { use: 'sig', alg: 'RS256', value: '-----BEGIN PUBLIC KEY-----' }]],
    claims: { scope: ['orders.Read', 'openid'], cid: 'shop', azp: 'shop' },
  },
  {
    provider: 'Curity with jwk and x5c',
    header: { typ: 'at+jwt', jwk: rsa.publicJwk, x5c: [CERTIFICATE], x5t: SHA1 },
    members: [[rsa, { use: 'sig', alg: 'RS256', x5t: SHA1 }]],
  },
  {
    provider: 'WSO2',
    header: { x5t: SHA1_HEX, typ: 'at+jwt' },
    members: [[rsa, { use: 'sig', alg: 'RS256', x5t: SHA1_HEX }]],
  },
  {
    provider: 'AD FS',
    header: { typ: 'JWT', x5t: SHA1 },
    members: [[rsa, { use: 'sig', alg: 'RS256', x5t: SHA1, x5c: [CERTIFICATE] }]],
    claims: { appid: 'shop', apptype: 'Public', scp: 'openid', scope: undefined },
  },
  {
    provider: 'AD FS during a rollover, x5t alone',
    header: { typ: 'JWT', kid: undefined, x5t: SHA1 },
    members: [
      [former, { use: 'sig', alg: 'RS256', x5t: 'another', x5c: [CERTIFICATE] }],
      [rsa, { use: 'sig', alg: 'RS256', x5t: SHA1, x5c: [CERTIFICATE] }],
    ],
  },
  {
    provider: 'AD FS during a rollover, x5t that its keys lack',
    header: { typ: 'JWT', kid: undefined, x5t: SHA1 },
    members: [
      [former, { use: 'sig', alg: 'RS256' }],
      [rsa, { use: 'sig', alg: 'RS256' }],
    ],
  },
  {
    provider: 'Keycloak',
    header: { typ: 'JWT' },
    members: [
      [rsa, { use: 'sig', alg: 'RS256', x5c: [CERTIFICATE], x5t: SHA1, 'x5t#S256': 'a'.repeat(43) }],
      [former, { use: 'enc', alg: 'RSA-OAEP' }],
    ],
    claims: { typ: 'Bearer', azp: 'shop', client_id: undefined },
  },
  {
    provider: 'Microsoft Entra',
    header: { typ: 'JWT', x5t: SHA1 },
    members: [
      [rsa, { use: 'sig', alg: undefined, x5t: SHA1, x5c: [CERTIFICATE], issuer: 'https://login.example/v2.0' }],
    ],
    claims: { azp: 'shop', scp: 'Orders.Read', scope: undefined },
  },
  {
    provider: 'a server that writes null for absent members',
    header: { typ: 'JWT' },
    members: [[rsa, { use: null, alg: null, key_ops: [], d: null, oth: [], x5c: null }]],
    claims: { azp: null, nbf: null },
  },
  {
    provider: 'a server that publishes a key without and with its certificate',
    header: { typ: 'JWT' },
    members: [
      [rsa, { use: 'sig' }],
      [rsa, { use: 'sig', alg: 'RS256', x5c: [CERTIFICATE] }],
    ],
  },
  {
    provider: 'a server that writes numbers as Java does',
    header: { typ: 'JWT' },
    members: [[rsa, { n: encode(Buffer.concat([Buffer.of(0), Buffer.from(rsa.publicJwk.n ?? '', 'base64url')])) }]],
  },
  {
    provider: 'a server that writes base64 with padding',
    signer: ec,
    header: { typ: 'JWT' },
    members: [[ec, { x: Buffer.from(ec.publicJwk.x ?? '', 'base64url').toString('base64') }]],
  },
]

describe('tokens and keys of the shapes that providers send', () => {
  it.each(shapes)('verify: $provider', async ({ signer = rsa, header, members, claims = {}, options = {} }) => {
    const published = members.map(([{ publicJwk }, changes]) => ({ ...publicJwk, ...changes }))
    await using keys = await publish(published, options)
    const token = await signer.sign(accessClaims(claims), header)
    for (const create of [createVerifier, createReferenceVerifier]) {
      const verifier = create(keys.options)
      for (let time = 0; time < 2; time += 1)
        await expect(verifier.verify(token)).resolves.toMatchObject({ claims: { sub: 'ada' } })
      await expect(verifier.explain(token)).resolves.toMatchObject({ accepted: true })
      verifier.close()
    }
    expect(keys.traffic().requests).toBe(2)
  })

  it('verify: AWS Application Load Balancer, with padding and one key per URL', async () => {
    const pad = (part: string): string => part + '='.repeat((4 - (part.length % 4)) % 4)
    const header = {
      typ: 'JWT',
      kid: ec.kid,
      alg: 'ES256',
      signer: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/0',
      client: 'shop',
    }
    const asked: unknown[] = []
    const resolve = async ({ kid }: { readonly kid?: string }): Promise<CryptoKey> => {
      asked.push(kid)
      return ec.publicKey
    }
    const token = pad(await signParts(ec, pad(encode(header)), pad(encode(accessClaims()))))
      .split('.')
      .map(pad)
      .join('.')
    expect(token).toContain('=.')
    const options = optionsWith({ keys: { resolve }, audience: null, algorithms: ['ES256'], padding: 'accept' })
    for (const create of [createVerifier, createReferenceVerifier])
      await expect(create(options).verify(token)).resolves.toMatchObject({ claims: { sub: 'ada' }, header })
    expect(asked).toEqual([ec.kid, ec.kid])
  })
})
