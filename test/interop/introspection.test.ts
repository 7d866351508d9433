import { AuthError } from '@claimgate/core'
import {
  clientSecretBasic,
  clientSecretPost,
  createIntrospectionVerifier,
  type IntrospectionClient,
  type IntrospectionOptions,
  privateKeyJwt,
} from '@claimgate/core/introspection'
import { decryptionKeys, decryptJwe } from '@claimgate/core/jwe'
import { createTestKeys } from '@claimgate/testing'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  type AuthorizationServer,
  OPAQUE_API,
  startAuthorizationServer,
  SUBJECT,
} from '../support/interop/authorization-server.ts'
import { authorizationCode, CLIENT_ID, clientCredentials } from '../support/interop/client.ts'

const SECRET = 'a secret: with spaces & + % ~'
let server: AuthorizationServer
let clients: Readonly<Record<'basic' | 'post' | 'jwt', IntrospectionClient>>
let decrypt: (answer: string) => Promise<Uint8Array>

beforeAll(async () => {
  const [signing, own, encryption] = await Promise.all([
    createTestKeys('ES256', { kid: 'signing' }),
    createTestKeys('ES256', { kid: 'own', generation: 1 }),
    generateKeyPair('ECDH-ES', { extractable: true }),
  ])
  const keys = decryptionKeys({ privateKey: encryption.privateKey, kid: 'enc' })
  decrypt = async (answer) => (await decryptJwe(answer, { keys })).plaintext
  const alg = 'ES256'
  const common = {
    id_token_signed_response_alg: alg,
    introspection_signed_response_alg: alg,
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  }
  const publicKey = { ...(await exportJWK(encryption.publicKey)), kid: 'enc', use: 'enc', alg: 'ECDH-ES' }
  server = await startAuthorizationServer({
    keys: [signing.privateJwk],
    apis: [
      { ...common, client_id: 'api:basic', client_secret: SECRET },
      {
        ...common,
        client_id: 'api-post',
        client_secret: SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        introspection_encrypted_response_alg: 'ECDH-ES',
        introspection_encrypted_response_enc: 'A256GCM',
        jwks: { keys: [publicKey] },
      },
      {
        ...common,
        client_id: 'api-jwt',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [own.publicJwk] },
      },
    ],
  })
  clients = {
    basic: clientSecretBasic('api:basic', SECRET),
    post: clientSecretPost('api-post', SECRET),
    jwt: privateKeyJwt('api-jwt', own.privateJwk),
  }
})
afterAll(async () => server.close())

const verifierOf = (more: Pick<IntrospectionOptions, 'client'> & Partial<IntrospectionOptions>) =>
  createIntrospectionVerifier({ issuer: server.issuer, audience: OPAQUE_API, timeout: 10, ...more })

async function outcome(verified: Promise<unknown>): Promise<string> {
  try {
    await verified
    return '200'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

describe('opaque tokens of oidc-provider', () => {
  it.each([
    ['client_secret_basic', 'basic', {}],
    ['private_key_jwt', 'jwt', {}],
    ['client_secret_basic, signed', 'basic', { answers: 'signed' }],
    ['private_key_jwt, signed', 'jwt', { answers: 'signed' }],
    [
      'client_secret_post, signed and encrypted',
      'post',
      { answers: 'signed', decrypt: async (answer: string) => decrypt(answer) },
    ],
  ] as const)('are verified by introspection with %s', async (_, name, more) => {
    const verifier = verifierOf({ client: clients[name], ...more })
    const token = await clientCredentials(server.issuer, OPAQUE_API)
    const { claims, scopes } = await verifier.verify(token)
    expect(claims).toMatchObject({ iss: server.issuer, aud: OPAQUE_API, client_id: CLIENT_ID, token_type: 'Bearer' })
    expect([...scopes]).toEqual(['orders:read'])
    expect(await outcome(verifier.verify('junk'))).toBe('401 token_refused')
    verifier.close()
  })

  it('of a user have the subject', async () => {
    const { access_token: token } = await authorizationCode(server.issuer, OPAQUE_API)
    const { claims } = await verifierOf({ client: clients.basic }).verify(token)
    expect(claims).toMatchObject({ sub: SUBJECT, client_id: CLIENT_ID })
  })

  it('are refused for another audience', async () => {
    const token = await clientCredentials(server.issuer, OPAQUE_API)
    const verifier = verifierOf({ client: clients.basic, audience: 'https://other-api.example' })
    expect(await outcome(verifier.verify(token))).toBe('401 audience_mismatch')
  })

  it('get 503 if the credentials of the API are wrong', async () => {
    const token = await clientCredentials(server.issuer, OPAQUE_API)
    const verifier = verifierOf({ client: clientSecretBasic('api:basic', 'wrong') })
    expect(await outcome(verifier.verify(token))).toBe('503 check_unavailable')
  })
})
