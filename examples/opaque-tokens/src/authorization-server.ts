import { createIssuer } from '@claimgate/issuer'
import { timingSafeEqual } from 'node:crypto'
import express, { type Express, type Request } from 'express'

export interface AuthorizationServerOptions {
  readonly issuer: string
  readonly audience: string
  /** The API, which may introspect tokens (RFC 7662 section 2.1). */
  readonly api: { readonly id: string; readonly secret: string }
}

/** What the server knows of an access token. */
interface Grant {
  readonly claims: Readonly<Record<string, unknown>>
  active: boolean
}

export interface AuthorizationServer {
  readonly app: Express
  /** Issues an access token: a random text, or a JWT. */
  issue(format: 'opaque' | 'jwt', scope: string): Promise<string>
  /** Revokes a token at once (RFC 7009). */
  revoke(token: string): void
  /** Requests to the introspection endpoint so far. */
  introspections(): number
}

/** A small authorization server: metadata, keys and introspection. Tokens are kept in memory. */
export async function createAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { issuer, audience, api } = options
  const lifetime = 600
  const jwts = await createIssuer({ issuer, audience, ttl: lifetime })
  const grants = new Map<string, Grant>()
  let introspections = 0

  const app = express()
  app.get('/.well-known/openid-configuration', (_req, res) => {
    res.json({ issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` })
  })
  app.get('/jwks', (_req, res) => {
    res.json(jwts.jwks())
  })
  app.post('/introspect', express.urlencoded({ extended: false }), (req, res) => {
    introspections += 1
    if (!isClient(req, api)) return void res.set('www-authenticate', 'Basic').sendStatus(401)
    const { token } = req.body as { readonly token?: unknown }
    const grant = typeof token === 'string' ? grants.get(token) : undefined
    // What is unknown, expired or revoked gets the same answer (RFC 7662 section 2.2).
    const isActive = grant?.active === true && Number(grant.claims['exp']) > Date.now() / 1000
    return void res.json(isActive ? { active: true, token_type: 'Bearer', ...grant.claims } : { active: false })
  })

  return {
    app,
    issue: async (format, scope) => {
      const exp = Math.floor(Date.now() / 1000) + lifetime
      const claims = { iss: issuer, aud: audience, sub: 'ada', client_id: 'shop', scope, exp }
      const token = format === 'jwt' ? await jwts.issue({ sub: 'ada', client_id: 'shop', scope }) : randomToken()
      grants.set(token, { claims, active: true })
      return token
    },
    revoke: (token) => {
      const grant = grants.get(token)
      if (grant !== undefined) grant.active = false
    },
    introspections: () => introspections,
  }
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}

// Only clients that the server knows may ask, because anyone else could try out tokens.
function isClient({ headers }: Request, { id, secret }: AuthorizationServerOptions['api']): boolean {
  const expected = Buffer.from(`Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`)
  const given = Buffer.from(headers.authorization ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
