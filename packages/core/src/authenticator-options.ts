import type { Binding } from './binding/binding.ts'
import type { AuthError } from './errors/auth-error.ts'
import { assertNotNull } from './errors/known-options.ts'
import { misconfigured } from './errors/misconfigured.ts'
import { isPlainText } from './http/challenge.ts'
import type { CredentialSource } from './http/credential-source.ts'
import { createLogRefusal, type RefusalLog, resolveLog, writeTo } from './http/refusal-log.ts'
import { resolveSources } from './http/resolve-sources.ts'
import { problemBody, type RefusalBody, type RefusalRules } from './http/refusal-response.ts'
import { bare, own, ownOptions } from './model/own.ts'
import { DEFAULTS, type VerifierOptions } from './options.ts'
import { createVerifier, type Verifier, VERIFIER_OPTIONS } from './verifier.ts'

/** Options of a verifier, or a verifier that is ready, and how requests are read and answered. */
export type AuthenticatorOptions<C extends object = object> =
  | (VerifierOptions<C> & HttpOptions & { readonly verifier?: never })
  | (ReadyVerifier<C> & HttpOptions)

/** A verifier made elsewhere, so that several authenticators share its keys. */
export interface ReadyVerifier<C extends object = object> {
  readonly verifier: Verifier<C>
}

/** How requests are read and refusals answered. */
export interface HttpOptions {
  /** Name of the protected space in challenges (RFC 9110 section 11.5): printable ASCII without quotes or backslashes. @defaultValue 'api' */
  readonly realm?: string
  /** Places the token may be in. @defaultValue the `Authorization` header alone */
  readonly credentials?: readonly CredentialSource[]
  /** `true` lets requests without credentials through as anonymous; bad credentials are refused all the same. @defaultValue false */
  readonly optional?: boolean
  /** Makes the body of refusals. @defaultValue a problem document (RFC 9457) with fixed text */
  readonly refusalBody?: RefusalBody
  /** `true` adds `Access-Control-Expose-Headers: WWW-Authenticate`, for browser applications of other origins. @defaultValue false */
  readonly exposeChallenge?: boolean
  /**
   * Told why requests are refused: one line per error code and minute, with the number of those left out. `console` will do.
   * @defaultValue none; in Fastify `request.log.info`, unless `false`
   */
  readonly log?: RefusalLog | false
  /** Ways to confirm sender-constrained tokens (RFC 7800). @defaultValue none, which refuses every token with `cnf` */
  readonly bindings?: readonly Binding[]
}

/** Options checked once, with their defaults filled in. */
export interface ResolvedAuthenticatorOptions<C extends object> {
  readonly verifier: Verifier<C>
  readonly sources: readonly CredentialSource[]
  readonly anonymous: 'accepted' | 'refused'
  readonly refusal: RefusalRules
  readonly logRefusal: (error: AuthError) => void
  readonly bindings: ReadonlyMap<string, Binding>
}

/** The names `HttpOptions` may have, and `verifier`. */
export const HTTP_OPTIONS: readonly string[] = Object.freeze([
  'verifier',
  'realm',
  'credentials',
  'optional',
  'refusalBody',
  'exposeChallenge',
  'log',
  'bindings',
])

/**
 * Checks the options of an authenticator, and makes its verifier where there is none yet.
 *
 * @throws TypeError
 */
export function resolveAuthenticatorOptions<C extends object>(
  given: Verifier<C> | AuthenticatorOptions<C>,
): ResolvedAuthenticatorOptions<C> {
  if (typeof given !== 'object' || given === null)
    throw misconfigured(ACTION, 'give a verifier, or options with "issuer" and "audience"', typeof given)
  if (isVerifier<C>(given)) {
    assertNoOptionsBeside(given)
    return resolveAuthenticatorOptions<C>({ verifier: given })
  }
  const options = ownOptions(given, [...HTTP_OPTIONS, ...VERIFIER_OPTIONS])
  const http: HttpOptions = options
  assertNotNull(ACTION, http, HTTP_OPTIONS)
  return Object.freeze({
    sources: resolveSources(ACTION, http.credentials),
    anonymous: resolveFlag('optional', http.optional) ? 'accepted' : 'refused',
    refusal: Object.freeze({
      realm: resolveRealm(http.realm),
      body: resolveRefusalBody(http.refusalBody),
      exposeChallenge: resolveFlag('exposeChallenge', http.exposeChallenge),
    }),
    logRefusal: resolveLogRefusal(options),
    bindings: resolveBindings(http.bindings),
    verifier: verifierOf(options),
  })
}

const ACTION = 'create authenticator'

function isVerifier<C extends object>(value: object): value is Verifier<C> {
  return typeof own(value, 'verify') === 'function'
}

/**
 * A verifier or an authenticator that was spread into options would take all of them for nothing.
 *
 * @throws TypeError
 */
export function assertNoOptionsBeside(made: object): void {
  const known = [...HTTP_OPTIONS.filter((name) => name !== 'verifier'), ...VERIFIER_OPTIONS]
  const extra = known.find((name) => Object.hasOwn(made, name))
  if (extra !== undefined)
    throw misconfigured(
      ACTION,
      `"${extra}" beside the methods of a verifier counts for nothing: write { verifier, ${extra}: … }`,
    )
}

function resolveLogRefusal(options: HttpOptions & { readonly clock?: VerifierOptions['clock'] }): ResolvedLogRefusal {
  const log = resolveLog(ACTION, options.log)
  if (log === undefined) return () => {}
  const logRefusal = createLogRefusal(Object.hasOwn(options, 'clock') ? options.clock : undefined)
  const write = writeTo(log)
  return (error) => logRefusal(error, write)
}

type ResolvedLogRefusal = ResolvedAuthenticatorOptions<object>['logRefusal']

function resolveBindings(bindings: readonly Binding[] = []): ReadonlyMap<string, Binding> {
  const list: unknown = bindings
  if (!Array.isArray(list)) throw misconfigured(ACTION, '"bindings" must be a list', typeof bindings)
  const byMember = new Map<string, Binding>()
  for (const binding of bindings) {
    if (typeof own(binding, 'confirmation') !== 'string' || typeof own(binding, 'confirm') !== 'function')
      throw misconfigured(ACTION, 'each of "bindings" must be an object { confirmation, confirm }', typeof binding)
    if (byMember.has(binding.confirmation))
      throw misconfigured(ACTION, '"bindings" has two for the same member of cnf', binding.confirmation)
    byMember.set(binding.confirmation, binding)
  }
  return byMember
}

function resolveRefusalBody(body: RefusalBody = problemBody): RefusalBody {
  if (typeof body === 'function') return body
  throw misconfigured(ACTION, '"refusalBody" must be a function', typeof body)
}

function verifierOf<C extends object>(options: AuthenticatorOptions<C>): Verifier<C> {
  const rest = bare(Object.fromEntries(Object.entries(options).filter(([name]) => !HTTP_OPTIONS.includes(name))))
  if (options.verifier === undefined) return createVerifier<C>(rest as unknown as VerifierOptions<C>)
  const [extra] = Object.keys(rest)
  if (extra !== undefined)
    throw misconfigured(ACTION, `with "verifier", "${extra}" belongs to the options of that verifier`)
  if (!isVerifier(options.verifier))
    throw misconfigured(ACTION, '"verifier" must come from createVerifier', typeof options.verifier)
  return options.verifier
}

function resolveRealm(realm: unknown = DEFAULTS.realm): string {
  if (isPlainText(realm)) return realm
  throw misconfigured(ACTION, '"realm" must be printable ASCII text without quotes or backslashes', realm)
}

// A string such as 'false' from an environment variable must not open anything.
function resolveFlag(name: string, flag: unknown = false): boolean {
  if (typeof flag === 'boolean') return flag
  throw misconfigured(ACTION, `"${name}" must be true or false`, flag)
}
