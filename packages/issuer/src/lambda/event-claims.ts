import { knownOptions } from '../known-options.ts'
import { discreetRefusal } from '../refusal.ts'
import { type JsonObject, plainJson } from '../token/plain-json.ts'
import type { LambdaEvent } from './lambda-event.ts'
import { LONGEST_LAMBDA_TTL, type ResolvedLambdaOptions } from './lambda-handler-options.ts'

const ACTION = 'issue token'
const MEMBERS: readonly (keyof LambdaEvent)[] = ['claims', 'ttl', 'setIat', 'setJti']
const STRING_CLAIMS = ['iss', 'sub', 'jti'] as const
const TIME_CLAIMS = ['exp', 'nbf', 'iat'] as const

// The end of the year 9999; the present time in milliseconds is more.
const LAST_SECOND = 253_402_300_799

/**
 * The claims that an event asks for at `now` (epoch milliseconds), completed by the options.
 *
 * @throws TypeError where the event is wrong, or the token would never expire although that was not asked for. No text of
 * the event is quoted but the name of a member that does not exist.
 */
export const eventClaims = (event: unknown, options: ResolvedLambdaOptions, now: number): JsonObject => {
  const { claims, ttl, setIat, setJti } = eventMembers(event)
  if (typeof claims !== 'object') throw discreetRefusal(ACTION, '"claims" must be an object', claims)
  const own = plainJson(ACTION, '"claims"', claims)
  assertClaims(own)
  const seconds = Math.floor(now / 1000)
  const iat = issuedAt(setIat, seconds) ?? own['iat']
  const jti = tokenId(setJti, options) ?? own['jti']
  const exp = expiry(ttl, own, options, typeof iat === 'number' ? iat : seconds)
  if (exp === undefined && !options.allowNoExpiry) throw neverExpires()
  // A copy without the members that are absent.
  return plainJson(ACTION, '"claims"', { iss: options.issuer, aud: options.audience, ...own, iat, exp, jti })
}

const eventMembers = (event: unknown): { readonly [member in keyof LambdaEvent]?: unknown } => {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw discreetRefusal(ACTION, 'the event must be an object with "claims"', event)
  }
  return knownOptions(ACTION, event, MEMBERS, { noun: 'member' })
}

const assertClaims = (claims: JsonObject): void => {
  for (const name of STRING_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && !isText(value)) {
      throw discreetRefusal(ACTION, `"claims.${name}" must be a non-empty string`, value)
    }
  }
  for (const name of TIME_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && !isTime(value)) {
      throw discreetRefusal(ACTION, `"claims.${name}" must be a number of seconds since 1970`, value)
    }
  }
  const { aud } = claims as { readonly aud?: unknown }
  if (aud !== undefined && !isText(aud) && !(Array.isArray(aud) && aud.length > 0 && aud.every(isText))) {
    throw discreetRefusal(ACTION, '"claims.aud" must be a non-empty string or an array of them', aud)
  }
}

const issuedAt = (setIat: unknown, seconds: number): number | undefined => {
  if (setIat === undefined || setIat === null || setIat === false) return undefined
  if (setIat === true) return seconds
  if (isTime(setIat)) return setIat
  throw discreetRefusal(ACTION, '"setIat" must be true or a number of seconds since 1970', setIat)
}

const tokenId = (setJti: unknown, { randomUUID }: ResolvedLambdaOptions): string | undefined => {
  if (setJti === undefined || setJti === null || setJti === false) return undefined
  if (setJti === true) return randomUUID()
  if (isText(setJti)) return setJti
  throw discreetRefusal(ACTION, '"setJti" must be true or a non-empty string', setJti)
}

const expiry = (
  ttl: unknown,
  { exp }: { readonly exp?: unknown },
  options: ResolvedLambdaOptions,
  from: number,
): number | undefined => {
  if (ttl !== undefined && ttl !== null) return from + seconds(ttl)
  if (typeof exp === 'number') return exp
  return options.ttl === undefined ? undefined : from + options.ttl
}

const seconds = (ttl: unknown): number => {
  if (typeof ttl === 'number' && Number.isInteger(ttl) && ttl >= 1 && ttl <= LONGEST_LAMBDA_TTL) return ttl
  throw discreetRefusal(ACTION, `"ttl" must be a whole number of seconds from 1 to ${LONGEST_LAMBDA_TTL}`, ttl)
}

const neverExpires = (): TypeError =>
  new TypeError(
    `Cannot ${ACTION}: it would never expire: give "ttl" or "claims.exp", or create the handler with "ttl" or "allowNoExpiry"`,
  )

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= LAST_SECOND
