import { createHash, timingSafeEqual } from 'node:crypto'
import { createVerifier } from '@claimgate/core'
import { createNestedVerifier, type DecryptionKeys } from '@claimgate/core/jwe'
import { authenticateJwt, getAuth } from '@claimgate/express'
import type { Issuer, JWK } from '@claimgate/issuer'
import express, { type Express, type RequestHandler } from 'express'
import { AUDIENCE } from './settings.ts'

/** Options for the application. */
export interface AppOptions {
  readonly issuer: Issuer
  /** The keys to which tokens for the API are encrypted. */
  readonly keys: DecryptionKeys
  readonly clientSecret: string
}

/** Issues tokens encrypted to the client's key, and accepts tokens encrypted to its own key. */
export const createApp = ({ issuer, keys, clientSecret }: AppOptions): Express => {
  const app = express()
  app.disable('x-powered-by')

  app.get('/.well-known/jwks.json', (request, response) => {
    const { status, headers, body } = issuer.jwksResponse({ ifNoneMatch: request.get('if-none-match') })
    response.status(status).set(headers).send(body)
  })
  app.get('/.well-known/encryption-jwks.json', async (_request, response) => {
    response.set('cache-control', 'public, max-age=300').json(await keys.publicJwks())
  })
  app.post('/api/v1/token', express.json({ limit: '4kb' }), issueToken(issuer, clientSecret))

  const verifier = createVerifier({ issuer: issuer.issuer, audience: AUDIENCE, jwks: issuer.jwks() })
  const decryption = { keys }
  app.get('/api/v1/protected', authenticateJwt(createNestedVerifier({ verifier, decryption })), sayWhoCalls)
  app.get(
    '/api/v1/mixed',
    authenticateJwt(createNestedVerifier({ verifier, decryption, accept: 'either' })),
    sayWhoCalls,
  )
  return app
}

const sayWhoCalls: RequestHandler = (request, response) => {
  const { claims, scopes } = getAuth(request)
  response.json({ caller: claims.sub, scopes: [...scopes] })
}

/** A client that knows the secret chooses the key to encrypt to. */
const issueToken =
  (issuer: Issuer, clientSecret: string): RequestHandler =>
  async (request, response) => {
    const { secret, encryptionKey } = (request.body ?? {}) as {
      readonly secret?: unknown
      readonly encryptionKey?: JWK
    }
    if (typeof secret !== 'string' || !isSame(secret, clientSecret)) {
      response.status(401).json({ error: 'The secret is wrong.' })
      return
    }
    const token = isPublicKey(encryptionKey) ? await encryptedTo(issuer, encryptionKey) : undefined
    if (token === undefined) response.status(400).json({ error: 'The encryption key must be a public key on P-256.' })
    else response.json({ token })
  }

const encryptedTo = async (issuer: Issuer, recipient: JWK): Promise<string | undefined> => {
  const claims = { sub: 'shop', client_id: 'shop', scope: 'orders:read' }
  try {
    return await issuer.issueEncrypted(claims, { recipient, ttl: 300 })
  } catch (error) {
    // The JWK looks valid, but is not a usable key.
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const isSame = (first: string, second: string): boolean => {
  const [a, b] = [first, second].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

const isPublicKey = (key: JWK | undefined): key is JWK => {
  if (typeof key !== 'object' || key === null || 'd' in key) return false
  const { kty, crv, x, y, kid } = key
  return (
    kty === 'EC' && crv === 'P-256' && [x, y, kid].every((member) => typeof member === 'string' && member.length <= 64)
  )
}
