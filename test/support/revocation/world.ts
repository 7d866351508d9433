import { createVerifier } from '@claimgate/core'
import { createMemoryDenylist, denylist, type DenylistStore } from '@claimgate/core/denylist'
import type { BackchannelLogoutOptions, SecurityEventsOptions, TokenRules } from '@claimgate/core/revocation'
import { backchannelLogout, securityEvents } from '@claimgate/fetch'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import { accessClaims, AUDIENCE, ISSUER, NOW, verdictOn } from '../core/refusal.ts'

export const CLIENT = 'shop'
export const RECEIVER = 'https://api.example/events'
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type'
export const FORM = 'application/x-www-form-urlencoded'

export const keys = await createTestKeys('ES256', { kid: 'key-1' })
let count = 0

/** The claims of a logout token for a session, with a new `jti`. Changes of `undefined` omit a claim. */
export function logoutClaims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  count += 1
  const events = { [LOGOUT_EVENT]: {} }
  const common = { aud: CLIENT, iat: NOW, exp: NOW + 120, jti: `logout-${count}`, sid: 'session-1', sub: 'ada' }
  return accessClaims({ ...common, client_id: undefined, scope: undefined, events, ...changes })
}

export const logoutToken = async (
  changes: Readonly<Record<string, unknown>> = {},
  header: object = {},
): Promise<string> => keys.sign(logoutClaims(changes), { typ: 'logout+jwt', ...header })

/** A security event token about `ada`, without `exp`. */
export async function eventToken(
  changes: Readonly<Record<string, unknown>> = {},
  header: object = {},
): Promise<string> {
  count += 1
  const claims = {
    iss: ISSUER,
    aud: RECEIVER,
    iat: NOW,
    jti: `event-${count}`,
    sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'ada' },
    events: { [`${CAEP}/session-revoked`]: {} },
    ...changes,
  }
  return keys.sign(claims, { typ: 'secevent+jwt', ...header })
}

/** An access token of ada's session, issued a minute ago. */
export const accessToken = async (changes: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  keys.sign(accessClaims({ sid: 'session-1', ...changes }))

/** What a client of an endpoint sees. */
export interface Seen {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly headers: Headers
}

/** An API with a denylist, and its endpoints, with a clock that stands at `NOW`. */
export function createRevocationWorld({
  store = createMemoryDenylist(),
  keysAt = { jwks: { keys: [keys.publicJwk] } },
  logout = {},
  events = {},
}: {
  readonly store?: DenylistStore
  /** Where the keys of the endpoints come from. */
  readonly keysAt?: TokenRules
  readonly logout?: Partial<BackchannelLogoutOptions>
  readonly events?: Partial<SecurityEventsOptions>
} = {}) {
  const clock = createTestClock({ wall: NOW * 1000 })
  const revoked = denylist({ store, clock })
  const common = { denylist: revoked, issuer: ISSUER, ...keysAt, clock }
  const receiveLogout = backchannelLogout({ ...common, clientId: CLIENT, ...logout })
  const receiveEvent = securityEvents({ ...common, audience: RECEIVER, authenticate: null, ...events })
  const api = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [keys.publicJwk] }, clock, checks: [revoked] }
  const verifier = createVerifier(api)
  const post = async (
    handler: (request: Request) => Promise<Response>,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Seen> => {
    const response = await handler(new Request('https://api.example/', { method: 'POST', headers, body }))
    const text = await response.text()
    const parsed = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)
    return { status: response.status, body: parsed, headers: response.headers }
  }
  return {
    clock,
    revoked,
    verifier,
    receiveLogout,
    receiveEvent,
    /** Sends a form to the logout endpoint. */
    form: async (body: string, contentType = FORM) => post(receiveLogout, body, { 'content-type': contentType }),
    logOut: async (token: string) =>
      post(receiveLogout, new URLSearchParams({ logout_token: token }).toString(), { 'content-type': FORM }),
    push: async (token: string, headers: Readonly<Record<string, string>> = {}) =>
      post(receiveEvent, token, { 'content-type': 'application/secevent+jwt', ...headers }),
    /** Whether the API accepts a token: 200, or the code of its refusal. */
    api: async (token: string) => {
      const { status, code } = await verdictOn(token, api)
      return code ?? status
    },
  }
}
