import {
  AuthError,
  DEFAULT_ALGORITHMS,
  discoveredKeySet,
  iatTolerance,
  isObject,
  type KeySource,
  MAXIMUM_LIMITS,
  mediaTypeName,
  own,
  ownKeySource,
  parseJsonObject,
  verifyJws,
} from '../adapter.ts'
import { badAnswer, IntrospectionError } from './failure.ts'
import type { ResolvedOptions } from './options.ts'

/** Reads signed answers (RFC 9701 section 5). */
interface SignedAnswers {
  /** The `token_introspection` member. @throws IntrospectionError */
  read(jwt: string): Promise<Readonly<Record<string, unknown>>>
  ready(): Promise<void>
  close(): void
}

const TYPE = 'token-introspection+jwt'
const LONGEST_AGE = 60

/** The issuer must have signed an answer for this API within the last minute. Its keys are those that sign tokens. */
export function signedAnswers<C extends object>(options: ResolvedOptions<C>): SignedAnswers {
  const {
    issuer,
    audience,
    client,
    algorithms = DEFAULT_ALGORITHMS,
    decrypt,
    limits,
    clock,
    allowHttpHosts,
    fetch,
    onEvent,
  } = options
  const made =
    options.keys === undefined && issuer !== null
      ? discoveredKeySet(issuer, { allowHttpHosts, fetch, clock, onEvent })
      : undefined
  const keys = made ?? ownKeySource(options.keys as KeySource)
  const recipients: readonly unknown[] = [client.clientId, ...(audience === null ? [] : [audience].flat())]
  const jwsLimits = { ...limits, tokenLength: MAXIMUM_LIMITS.tokenLength }

  const verified = async (jwt: string): Promise<Readonly<Record<string, unknown>>> => {
    const { header, payload } = await verifyJws(jwt, { keys, algorithms, limits: jwsLimits })
    if (header.typ === undefined || mediaTypeName(header.typ) !== TYPE)
      throw badAnswer(`The "typ" of the signed answer is not ${TYPE}`)
    return parseJsonObject(payload, 'an answer', limits)
  }

  const opened = async (answer: string): Promise<string> => {
    if (decrypt === undefined) return answer
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await decrypt(answer))
  }

  return {
    read: async (answer) => {
      const claims = await opened(answer.trim())
        .then(verified)
        .catch((error: unknown) => {
          throw rejected(error)
        })
      if (own(claims, 'iss') !== issuer) throw badAnswer('The signed answer comes from another issuer')
      if (![own(claims, 'aud')].flat().some((name) => recipients.includes(name)))
        throw badAnswer('The signed answer is for another API: its "aud" is neither "clientId" nor "audience"')
      const iat = own(claims, 'iat')
      const age = typeof iat === 'number' ? clock.now() / 1000 - iat : Number.NaN
      if (!(age <= LONGEST_AGE && -age <= iatTolerance(0)))
        throw badAnswer('The signed answer is not from the last minute')
      const members = own(claims, 'token_introspection')
      if (!isObject(members) || Array.isArray(members))
        throw badAnswer('The signed answer has no "token_introspection" object')
      return members as Readonly<Record<string, unknown>>
    },
    ready: async () => keys.ready?.(),
    close: () => made?.close(),
  }
}

function rejected(error: unknown): IntrospectionError {
  if (error instanceof IntrospectionError) return error
  if (!(error instanceof AuthError)) return badAnswer('The signed answer cannot be decrypted')
  const { code, status, retryAfter } = error
  if (status !== 503) return badAnswer(`The signed answer does not verify (${code})`)
  const details = { reason: 'no_usable_key', scope: 'token', status: undefined, retryAfter } as const
  return new IntrospectionError(`The keys of signed answers are unavailable (${code})`, details)
}
