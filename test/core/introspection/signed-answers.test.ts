import { AuthError } from '@claimgate/core'
import {
  clientSecretBasic,
  createIntrospectionVerifier,
  type IntrospectionOptions,
} from '@claimgate/core/introspection'
import { decryptionKeys, decryptJwe } from '@claimgate/core/jwe'
import { createTestKeys, type TestKeys } from '@claimgate/testing'
import { CompactEncrypt, generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  active,
  AUDIENCE,
  type IntrospectionServer,
  startIntrospectionServer,
} from '../../support/introspection/server.ts'

const TYPE = 'application/token-introspection+jwt'
let server: IntrospectionServer
let keys: TestKeys

beforeEach(async () => {
  server = await startIntrospectionServer()
  keys = await createTestKeys('ES256')
  server.keys = [keys.publicJwk]
})
afterEach(async () => server.close())

const verifierOf = (more: Partial<IntrospectionOptions> = {}) =>
  createIntrospectionVerifier({
    issuer: server.issuer,
    audience: AUDIENCE,
    client: clientSecretBasic('api', 'secret'),
    answers: 'signed',
    timeout: 10,
    ...more,
  })

async function outcome(verified: Promise<unknown>): Promise<string> {
  try {
    await verified
    return '200'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

const now = (): number => Math.floor(Date.now() / 1000)
const signed = async (
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  by = keys,
): Promise<string> =>
  by.sign(
    {
      iss: server.issuer,
      aud: 'api',
      iat: now(),
      exp: undefined,
      token_introspection: active(server.issuer),
      ...claims,
    },
    { typ: 'token-introspection+jwt', ...header },
  )

describe('43. a signed answer', () => {
  it.each<[name: string, expected: string, make: () => Promise<string>]>([
    ['for this client', '200', async () => signed()],
    ['for this audience, among others', '200', async () => signed({ aud: ['other', AUDIENCE] })],
    ['with the long form of typ', '200', async () => signed({}, { typ: TYPE })],
    ['that the token is inactive', '401 token_refused', async () => signed({ token_introspection: { active: false } })],
    [
      'of a token for another audience',
      '401 audience_mismatch',
      async () => signed({ token_introspection: active(server.issuer, { aud: 'x' }) }),
    ],
    ['for another audience', '503 check_unavailable', async () => signed({ aud: 'other-api' })],
    ['without aud', '503 check_unavailable', async () => signed({ aud: undefined })],
    ['of another issuer', '503 check_unavailable', async () => signed({ iss: 'https://other.example' })],
    ['without iss', '503 check_unavailable', async () => signed({ iss: undefined })],
    ['older than 60 s', '503 check_unavailable', async () => signed({ iat: now() - 62 })],
    ['from the future', '503 check_unavailable', async () => signed({ iat: now() + 62 })],
    ['without iat', '503 check_unavailable', async () => signed({ iat: undefined })],
    ['that is an access token', '503 check_unavailable', async () => signed({}, { typ: 'at+jwt' })],
    ['without typ', '503 check_unavailable', async () => signed({}, { typ: undefined })],
    [
      'without token_introspection',
      '503 check_unavailable',
      async () => signed({ token_introspection: undefined, active: true }),
    ],
    [
      'with a list for token_introspection',
      '503 check_unavailable',
      async () => signed({ token_introspection: [{ active: true }] }),
    ],
    ['without active', '503 check_unavailable', async () => signed({ token_introspection: { sub: 'ada' } })],
    [
      'by another key',
      '503 check_unavailable',
      async () => signed({}, {}, await createTestKeys('ES256', { generation: 1 })),
    ],
    ['by an unknown key', '503 check_unavailable', async () => signed({}, { kid: 'unknown' })],
    ['that is not signed', '503 check_unavailable', async () => (await signed()).replace(/[^.]+$/, '')],
    ['that is no JWT', '503 check_unavailable', async () => 'text'],
  ])('%s: %s', async (_, expected, make) => {
    const body = await make()
    server.reply = () => ({ type: `${TYPE}; charset=utf-8`, body })
    expect(await outcome(verifierOf().verify('opaque'))).toBe(expected)
    expect(server.seen[0]?.headers.accept).toBe(TYPE)
  })

  it('is never replaced by plain JSON', async () => {
    server.reply = () => ({ body: active(server.issuer) })
    expect(await outcome(verifierOf().verify('opaque'))).toBe('503 check_unavailable')
    const body = await signed()
    server.reply = () => ({ body })
    expect(await outcome(verifierOf().verify('opaque'))).toBe('503 check_unavailable')
  })

  it('has an allow-list of algorithms', async () => {
    const body = await signed()
    server.reply = () => ({ type: TYPE, body })
    expect(await outcome(verifierOf({ algorithms: ['RS256'] }).verify('opaque'))).toBe('503 check_unavailable')
    expect(await outcome(verifierOf({ algorithms: ['ES256'] }).verify('opaque'))).toBe('200')
  })

  it('cannot be verified without keys: 503', async () => {
    const body = await signed()
    server.reply = () => ({ type: TYPE, body })
    server.keys = []
    const verifier = verifierOf()
    expect(await outcome(verifier.ready())).toBe('503 keys_unavailable')
    expect(await outcome(verifier.verify('opaque'))).toBe('503 check_unavailable')
  })

  it('may be encrypted, and must be if "decrypt" is given', async () => {
    const pair = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
    const body = await signed()
    const encrypted = await new CompactEncrypt(new TextEncoder().encode(body))
      .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(pair.publicKey)
    const decryption = { keys: decryptionKeys({ privateKey: pair.privateKey }) }
    const verifier = verifierOf({
      cache: false,
      decrypt: async (answer) => (await decryptJwe(answer, decryption)).plaintext,
    })
    server.reply = () => ({ type: TYPE, body: encrypted })
    expect(await outcome(verifier.verify('opaque'))).toBe('200')
    expect(await outcome(verifierOf().verify('opaque'))).toBe('503 check_unavailable')
    server.reply = () => ({ type: TYPE, body })
    expect(await outcome(verifier.verify('opaque'))).toBe('503 check_unavailable')
  })

  it.each<[string, Partial<IntrospectionOptions>]>([
    ['decrypt', { decrypt: async () => new Promise<never>(() => {}) }],
    ['keys', { keys: { resolve: async () => new Promise<never>(() => {}) } }],
  ])('cannot keep a request waiting if "%s" hangs: 503, and the next request has its turn', async (_, hanging) => {
    const body = await signed()
    server.reply = () => ({ type: TYPE, body })
    const verifier = verifierOf({ timeout: 0.1, maxInFlight: 1, ...hanging })
    expect(await outcome(verifier.verify('first'))).toBe('503 check_unavailable')
    expect(await outcome(verifier.verify('second'))).toBe('503 check_unavailable')
    expect(server.seen).toHaveLength(2)
  })
})
