import { Buffer } from 'node:buffer'

import { mediaTypeName, own } from '@claimgate/core/adapter'

/** A token as far as it can be read. Nothing in it is verified. */
export interface DecodedToken {
  /** How many parts the dots make. */
  readonly parts: number
  /** Empty if it is not a JSON object. */
  readonly header: Readonly<Record<string, unknown>>
  /** Empty if it is not a JSON object, or encrypted. */
  readonly claims: Readonly<Record<string, unknown>>
}

const MOST_PARTS = 6

/** Decodes a token for a guess about it. The verifier reads it again, strictly. */
export function decodeToken(token: string): DecodedToken {
  const parts = token.split('.', MOST_PARTS)
  const isJws = parts.length === 3
  return {
    parts: parts.length,
    header: parts.length > 1 ? objectOf(parts[0]) : {},
    claims: isJws ? objectOf(parts[1]) : {},
  }
}

function objectOf(part = ''): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}

/** What a token probably is. `kind` is stable; `because` says what shows it. */
export interface Kind {
  readonly kind:
    | 'access'
    | 'id'
    | 'refresh'
    | 'logout'
    | 'security_event'
    | 'dpop_proof'
    | 'client_assertion'
    | 'encrypted'
    | 'opaque'
    | 'other'
  readonly name: string
  readonly because: string
}

const NAMES: Readonly<Record<Kind['kind'], string>> = {
  access: 'an access token',
  id: 'an ID token',
  refresh: 'a refresh token',
  logout: 'a logout token',
  security_event: 'a security event token',
  dpop_proof: 'a DPoP proof',
  client_assertion: 'a client assertion',
  encrypted: 'an encrypted token',
  opaque: 'an opaque token or no token',
  other: 'a JWT of unknown kind',
}

const BY_TYP: Readonly<Record<string, Kind['kind']>> = {
  'at+jwt': 'access',
  'dpop+jwt': 'dpop_proof',
  'logout+jwt': 'logout',
  'secevent+jwt': 'security_event',
  'client-authentication+jwt': 'client_assertion',
}

// The values of `token_use` (Amazon Cognito) and of the claim `typ` (Keycloak).
const BY_CLAIM: Readonly<Record<string, Kind['kind']>> = {
  access: 'access',
  bearer: 'access',
  id: 'id',
  refresh: 'refresh',
  offline: 'refresh',
  logout: 'logout',
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const ACCESS_CLAIMS = ['scope', 'scp', 'client_id', 'cid', 'appid', 'permissions', 'realm_access', 'roles']

/** Guesses the kind of a token, the surest signs first. */
export function kindOf({ parts, header, claims }: DecodedToken): Kind {
  if (parts === 5) return as('encrypted', 'it has five parts')
  if (parts !== 3) return as('opaque', `it has ${parts === 1 ? 'one part' : `${parts} parts`}, and a JWT has three`)
  const typ = textOf(header, 'typ')
  const byTyp = typ === undefined ? undefined : own(BY_TYP, mediaTypeName(typ))
  if (byTyp !== undefined) return as(byTyp, `its typ is ${mediaTypeName(typ ?? '')}`)
  const events = own(claims, 'events')
  if (typeof events === 'object' && events !== null)
    return Object.hasOwn(events, LOGOUT_EVENT)
      ? as('logout', 'its events name a back-channel logout')
      : as('security_event', 'it has events')
  if (has(claims, 'htm') && has(claims, 'htu')) return as('dpop_proof', 'it has htm and htu')
  for (const name of ['token_use', 'typ']) {
    const value = textOf(claims, name)
    const kind = value === undefined ? undefined : own(BY_CLAIM, value.toLowerCase())
    if (kind !== undefined) return as(kind, `its claim ${name} is ${value?.toLowerCase()}`)
  }
  const hash = ['at_hash', 'c_hash'].find((name) => has(claims, name))
  if (hash !== undefined) return as('id', `it has ${hash}`)
  if (has(claims, 'sub') && own(claims, 'sub') === own(claims, 'iss'))
    return as('client_assertion', 'its iss equals its sub')
  const sign = ACCESS_CLAIMS.find((name) => has(claims, name))
  if (sign !== undefined) return as('access', `it has ${sign}`)
  if (has(claims, 'nonce')) return as('id', 'it has a nonce, and no scope and no client')
  return as('other', 'nothing in it tells')
}

const has = (claims: object, name: string): boolean => Object.hasOwn(claims, name)

const as = (kind: Kind['kind'], because: string): Kind => ({ kind, name: NAMES[kind], because })

/** A member that is text. */
export function textOf(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = own(members, name)
  return typeof value === 'string' ? value : undefined
}
