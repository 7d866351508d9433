import { createIssuer } from '@claimgate/issuer'
import express, { type Express } from 'express'
import { deflateSync } from 'node:zlib'

export interface ProviderOptions {
  readonly issuer: string
  /** The API, in access tokens and in security events. */
  readonly audience: string
  readonly clientId: string
}

/** An OpenID provider that tells APIs about the end of sessions and tokens. */
export interface Provider {
  readonly app: Express
  /** Issues an access token for a session, with an index in the status list. */
  issue(sub: string, sid: string, idx: number): Promise<string>
  /** A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4). */
  logoutToken(sid: string, clientId?: string): Promise<string>
  /** A security event token: the credentials of a user have changed (RFC 8417, CAEP). */
  credentialChange(sub: string): Promise<string>
  /** Sets a status: 0 is valid, 1 revoked, 2 suspended. */
  setStatus(idx: number, status: 0 | 1 | 2): void
  /** Requests for the status list so far. */
  listRequests(): number
}

const TOKENS = 64
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'
const CREDENTIAL_CHANGE = 'https://schemas.openid.net/secevent/caep/event-type/credential-change'

/** A small OpenID provider: metadata, keys, tokens and a status list. */
export async function createProvider({ issuer, audience, clientId }: ProviderOptions): Promise<Provider> {
  const tokens = await createIssuer({ issuer })
  const uri = `${issuer}/statuses/1`
  // Two bits for each token, the first one in the lowest bits (Token Status List section 4.1).
  const statuses = new Uint8Array(TOKENS / 4)
  let listRequests = 0

  const app = express()
  app.get('/.well-known/openid-configuration', (_req, res) => {
    res.json({ issuer, jwks_uri: `${issuer}/jwks` })
  })
  app.get('/jwks', (_req, res) => {
    res.json(tokens.jwks())
  })
  app.get('/statuses/1', (_req, res, next) => {
    listRequests += 1
    const status_list = { bits: 2, lst: deflateSync(statuses).toString('base64url') }
    tokens
      .issue({ sub: uri, ttl: 60, status_list }, { typ: 'statuslist+jwt' })
      .then((list) => res.type('application/statuslist+jwt').send(list), next)
  })

  return {
    app,
    issue: (sub, sid, idx) =>
      tokens.issue({ sub, sid, client_id: clientId, status: { status_list: { uri, idx } } }, { audience }),
    logoutToken: (sid, aud = clientId) =>
      tokens.issue({ sid, events: { [LOGOUT]: {} } }, { typ: 'logout+jwt', audience: aud }),
    credentialChange: (sub) => {
      const events = { [CREDENTIAL_CHANGE]: { change_type: 'update', credential_type: 'password' } }
      const sub_id = { format: 'iss_sub', iss: issuer, sub }
      return tokens.issue({ sub_id, events }, { typ: 'secevent+jwt', audience })
    },
    setStatus: (idx, status) => {
      const [at, shift] = [Math.floor(idx / 4), (idx % 4) * 2]
      statuses[at] = ((statuses[at] ?? 0) & ~(3 << shift)) | (status << shift)
    },
    listRequests: () => listRequests,
  }
}
