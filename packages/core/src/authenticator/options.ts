import { type Binding, bindingRule, type BindingRules, isParameters, resolveBindings } from '../confirmation/binding.ts'
import type { AuthError } from '../errors/auth-error.ts'
import { answerOf } from '../errors/deadline.ts'
import { type CredentialSource, DEFAULT_SOURCES, resolveSources, type TokenPlace } from '../http/credential-sources.ts'
import { createLogRefusal, logOption, type RefusalLog, writeTo } from '../http/refusal-log.ts'
import { type ProtectedResource, resourceRule } from '../http/protected-resource.ts'
import { problemBody, type RefusalBody, type RefusalRules } from '../http/refusal-response.ts'
import { isPlainText } from '../model/http-text.ts'
import type { RequestView, VerifiedToken } from '../model/token.ts'
import { bare, own } from '../model/values.ts'
import {
  anything,
  callback,
  type Filled,
  flag,
  isOptions,
  listOf,
  misconfigured,
  narrowing,
  objectWith,
  oneOf,
  type OptionTable,
} from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { VERIFIER_OPTIONS, type VerifierOptions } from '../pipeline/options.ts'
import { clockOf, createVerifier, type Verifier } from '../pipeline/verifier.ts'
import { describeResource, type ResourceVerifierOptions, withAudience } from './resource.ts'

/** Verifier options or an existing verifier, plus how requests are read and answered. */
export type AuthenticatorOptions<C extends object = object> =
  | ((VerifierOptions<C> | ResourceVerifierOptions<C>) & HttpOptions & { readonly verifier?: never })
  | (ReadyVerifier<C> & HttpOptions)

/** An existing verifier. */
export interface ReadyVerifier<C extends object = object> {
  /** An existing verifier, instead of verifier options. Several authenticators can share it and its keys. @defaultValue a new one */
  readonly verifier: Verifier<C>
}

/** How requests are read and refusals answered. */
export interface HttpOptions {
  /** Name of the protected space in challenges (RFC 9110 section 11.5): printable ASCII without quotes or backslashes. @defaultValue 'api' */
  readonly realm?: string | undefined
  /** Places where the token may be. The same token in several places is one credential. @defaultValue what the issuers say, else the `Authorization` header alone */
  readonly credentials?: readonly CredentialSource[] | undefined
  /**
   * Reads the token from another place than `credentials` can name. Returns the token, or `undefined` if there is none; anything else refuses
   * the request with status 400. It is the only place, unless you also list `credentials`; then two different tokens are refused, as between
   * any two places. @defaultValue none
   */
  readonly extractToken?: ExtractToken | undefined
  /** `true` accepts requests without credentials as anonymous. Bad credentials are still refused. @defaultValue false */
  readonly optional?: boolean | undefined
  /** Makes the body of refusals. @defaultValue a problem document (RFC 9457) with fixed text */
  readonly refusalBody?: RefusalBody | undefined
  /** `true` adds `Access-Control-Expose-Headers: WWW-Authenticate`, which browser apps on other origins need. @defaultValue false */
  readonly exposeChallenge?: boolean | undefined
  /**
   * When challenges name the scopes that a request needs: only if it has no token, or also if its token is invalid, as MCP clients need it.
   * @defaultValue 'no_token'
   */
  readonly scopesInChallenge?: 'no_token' | 'invalid_token' | undefined
  /**
   * Receives why requests are refused: one line per error code and minute, with the number of suppressed refusals. `console` works.
   * @defaultValue none; in Fastify `request.log.info`, unless `false`
   */
  readonly log?: RefusalLog | false | undefined
  /**
   * Called with the verified token of each accepted request, to find the user in a database, for example. Returns the user; `undefined`, `null`
   * and `false` refuse with status 401. It may throw an `AuthError` to refuse; anything else it throws, or no answer within 10 s, is 503.
   * The `requirement` of the adapter's options is met by then. `explain` calls it, too. @defaultValue none
   */
  readonly onAuthenticated?: OnAuthenticated
  /** Ways to confirm sender-constrained tokens (RFC 7800). @defaultValue none: every token with `cnf` is refused */
  readonly bindings?: readonly Binding[]
  /** `refuse` refuses tokens without `cnf`. It needs at least one binding. @defaultValue 'accept' */
  readonly unboundTokens?: 'accept' | 'refuse'
  /** Parameters of every challenge, such as `{ resource_metadata: 'https://…' }` (RFC 9728 section 5.1). @defaultValue none */
  readonly challenge?: Readonly<Record<string, string>> | undefined
  /**
   * What `protectedResource` of `@claimgate/core/metadata` describes (RFC 9728): its identifier is the `audience` unless you give one, and
   * every challenge has `resource_metadata`. @defaultValue none
   */
  readonly resource?: ProtectedResource
}

/** Reads the token of a request. */
export type ExtractToken = (view: RequestView) => string | undefined | Promise<string | undefined>

/** Finds the user of a verified token. */
export type OnAuthenticated = (token: VerifiedToken, view: RequestView) => unknown

/** Options checked once, with their defaults filled in. */
interface ResolvedAuthenticatorOptions<C extends object> {
  readonly verifier: Verifier<C>
  readonly sources: readonly TokenPlace[]
  readonly onAuthenticated: OnAuthenticated | undefined
  readonly anonymous: 'accepted' | 'refused'
  readonly refusal: RefusalRules
  readonly logRefusal: (error: AuthError) => void
  readonly binding: BindingRules
  readonly resource: ProtectedResource | undefined
}

/** The options of an authenticator. */
export const HTTP: OptionTable<HttpOptions & ReadyVerifier> = /* @__PURE__ */ (() => ({
  verifier: objectWith('a verifier, which createVerifier makes', 'verify'),
  realm: { be: 'printable ASCII text without quotes or backslashes', fits: isPlainText, default: 'api' },
  credentials: { ...anything, read: resolveSources },
  extractToken: callback,
  optional: { ...flag, default: false },
  refusalBody: { ...callback, default: problemBody },
  exposeChallenge: { ...flag, default: false },
  scopesInChallenge: { ...oneOf('no_token', 'invalid_token'), default: 'no_token' },
  log: logOption,
  onAuthenticated: narrowing(callback),
  bindings: { ...narrowing(listOf('a list, such as [binding]', bindingRule)), default: [] },
  unboundTokens: { ...narrowing(oneOf('accept', 'refuse')), default: 'accept' },
  challenge: { be: 'an object such as { resource_metadata: "https://…" }', fits: isParameters, default: {} },
  resource: narrowing(resourceRule),
}))()

/** The names allowed in `HttpOptions`, and `verifier`. */
export const HTTP_OPTIONS: readonly string[] = Object.freeze(Object.keys(HTTP))

/**
 * Checks the options of an authenticator, and creates its verifier unless one was given.
 *
 * @throws TypeError
 */
export function resolveAuthenticatorOptions<C extends object>(
  given: Verifier<C> | AuthenticatorOptions<C>,
): ResolvedAuthenticatorOptions<C> {
  if (!isOptions(given)) throw misconfigured(ACTION, FORM, given)
  if (isVerifier<C>(given)) {
    assertNoOptionsBeside(given)
    return resolveAuthenticatorOptions<C>({ verifier: given })
  }
  const options = readOptions(ACTION, given, HTTP, { beside: VERIFIER_OPTIONS }) as ReadOptions<C>
  const { realm, refusalBody: body, exposeChallenge, scopesInChallenge, resource } = options
  const challenge = challengeOf(options)
  const binding = resolveBindings(ACTION, options.bindings, options.unboundTokens)
  const challenges = [...binding.challenges].map(([scheme, parameters]) => ({
    scheme,
    parameters: { ...parameters, ...challenge },
  }))
  const verifier = verifierOf(options)
  const sources = placesOf(options, verifier)
  if (resource !== undefined) describeResource(resource, { verifier, sources, binding })
  return Object.freeze({
    sources,
    onAuthenticated: options.onAuthenticated,
    anonymous: options.optional ? 'accepted' : 'refused',
    refusal: Object.freeze({ realm, body, exposeChallenge, scopesInChallenge, challenges }),
    logRefusal: logRefusalOf(options),
    binding,
    verifier,
    resource,
  })
}

type ReadOptions<C extends object> = AuthenticatorOptions<C> &
  Filled<HttpOptions, Exclude<keyof HttpOptions, 'log' | 'credentials'>>

const FORM = 'give a verifier, or options with "issuer" and "audience"'
const ACTION = 'create authenticator'

function placesOf({ credentials, extractToken }: HttpOptions, verifier: Verifier): readonly TokenPlace[] {
  if (extractToken === undefined) return credentials ?? sourcesOf(verifier)
  const read = async (view: RequestView): Promise<readonly unknown[]> => {
    const token = await answerOf('extractToken', clockOf(verifier), () => extractToken(view))
    return token === undefined ? [] : [token]
  }
  return [...(credentials ?? []), { from: 'extractToken', read }]
}

// An issuer's profile may know the header of a proxy. Policies from a function are not known yet.
function sourcesOf(verifier: Verifier): readonly CredentialSource[] {
  const places = new Map<string, CredentialSource>()
  for (const issuer of own(verifier, 'accepts')?.call(verifier) ?? [])
    for (const source of own(issuer, 'credentials') ?? DEFAULT_SOURCES)
      places.set(`${source.from} ${String(own(source, 'name'))}`, source)
  return places.size === 0 ? DEFAULT_SOURCES : resolveSources(ACTION, [...places.values()])
}

function isVerifier<C extends object>(value: object): value is Verifier<C> {
  return typeof own(value, 'verify') === 'function'
}

/**
 * Rejects options next to a verifier or an authenticator. They would be ignored: an instance was spread into an options object.
 *
 * @throws TypeError
 */
export function assertNoOptionsBeside(made: object, members: readonly string[] = []): void {
  const known = [...HTTP_OPTIONS, ...VERIFIER_OPTIONS].filter((name) => !members.includes(name))
  const extra = known.find((name) => Object.hasOwn(made, name))
  if (extra !== undefined)
    throw misconfigured(ACTION, `"${extra}" is ignored on a verifier: write { verifier, ${extra}: … }`)
}

function challengeOf({ challenge, resource }: Filled<HttpOptions, 'challenge'>): Readonly<Record<string, string>> {
  if (resource === undefined) return challenge
  const given = Object.keys(challenge).find((name) => name.toLowerCase() === METADATA)
  if (given !== undefined) throw misconfigured(ACTION, `with "resource", leave "${given}" out of "challenge"`)
  return { [METADATA]: resource.metadataUri, ...challenge }
}

const METADATA = 'resource_metadata'

function logRefusalOf({ log, clock }: HttpOptions & Pick<VerifierOptions, 'clock'>): (error: AuthError) => void {
  if (log === undefined || log === false) return () => {}
  const logRefusal = createLogRefusal(clock)
  const write = writeTo(log)
  return (error) => logRefusal(error, write)
}

function verifierOf<C extends object>(options: AuthenticatorOptions<C>): Verifier<C> {
  const rest = without(options, HTTP_OPTIONS)
  const { resource } = options
  if (options.verifier === undefined)
    return createVerifier<C>((resource === undefined ? rest : withAudience(rest, resource)) as VerifierOptions<C>)
  const [extra] = Object.keys(rest)
  if (extra === undefined) return options.verifier
  throw misconfigured(ACTION, `with "verifier", "${extra}" belongs to the options of that verifier`)
}

/** The options without those of the given names. Inherits nothing. */
export function without(options: object, names: readonly string[]): object {
  return bare(Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name))))
}
