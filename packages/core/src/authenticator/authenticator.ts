import {
  assertRequirement,
  isMet,
  needsFresh,
  type Requirement,
  type RequirementContext,
} from '../authorization/requirements.ts'
import { confirmBindings } from '../confirmation/binding.ts'
import { asError, asRefusal, AuthError } from '../errors/auth-error.ts'
import { answeredWithin, answerOf, checkDeadline } from '../errors/deadline.ts'
import {
  b64TokenFlaw,
  extractCredential,
  type Extracted,
  flawOfRefused,
  unsupportedScheme,
} from '../http/credential.ts'
import type { Outcome, Refused } from '../http/outcome.ts'
import type { ProtectedResource } from '../http/protected-resource.ts'
import { refusalResponse } from '../http/refusal-response.ts'
import { type Fields, NO_FIELDS } from '../model/http-text.ts'
import type { Credential, OtherScheme, RequestView, VerifiedToken } from '../model/token.ts'
import { misconfigured } from '../options/option-rules.ts'
import { bare, chained, has, isObject, isThenable, own, type Soon } from '../model/values.ts'
import type { Explanation } from '../pipeline/explain.ts'
import type { VerifyContext } from '../pipeline/run-steps.ts'
import { clockOf, timeOf, type Verifier, verifiesJwts } from '../pipeline/verifier.ts'
import { explainRequest } from './explain.ts'
import {
  assertNoOptionsBeside,
  type AuthenticatorOptions,
  type OnAuthenticated,
  resolveAuthenticatorOptions,
} from './options.ts'

/** Turns a request into an outcome. This is all an adapter needs. */
export interface Authenticator<C extends object = object> {
  readonly verifier: Verifier<C>
  /** Whether a credential may be in the body. If `true`, an adapter must read the body before it calls `authenticate`. */
  readonly readsBody: boolean
  /** The accepted authentication schemes: `Bearer`, and those of the bindings. @defaultValue only `Bearer` */
  readonly schemes?: readonly string[]
  /** Whether outcomes have a `user`, which the option `onAuthenticated` finds. @defaultValue false */
  readonly findsUser?: boolean
  /** The option `resource`. An adapter serves its metadata to everyone. */
  readonly resource?: ProtectedResource
  /**
   * Authenticates a request and checks the requirement. A refusal resolves to an outcome of kind `refused`; the promise rejects only
   * for bugs, and always with an `Error`, whatever application code threw.
   */
  authenticate(view: RequestView, requirement?: Requirement): Promise<Outcome<C>>
  /**
   * Checks a requirement on a request that `authenticate` has accepted. Returns a promise only if the requirement does, or needs a fresh
   * answer. The outcome may then have another token.
   *
   * @param token - `undefined` for an anonymous request
   * @param scheme - the scheme of the outcome; a refusal challenges in it. @defaultValue 'Bearer'
   */
  authorize(
    token: VerifiedToken<C> | undefined,
    requirement: Requirement,
    scheme?: string,
  ): Outcome<C> | Promise<Outcome<C>>
  /**
   * Reports every step of `authenticate` as passed, failed or skipped, and why: the credential, the token, its bindings and the requirement.
   * Never throws and never repeats a token or a proof. Writes to no replay store, so the request can still be sent.
   */
  explain(view: RequestView, requirement?: Requirement): Promise<Explanation>
}

/**
 * Creates an authenticator from a verifier or from verifier options. Returns an existing authenticator unchanged.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createAuthenticator<C extends object = object>(
  made: Verifier<C> | AuthenticatorOptions<C> | Authenticator<C>,
): Authenticator<C> {
  if (isAuthenticator(made)) {
    assertNoOptionsBeside(made, ['verifier', 'resource'])
    return made
  }
  const options = resolveAuthenticatorOptions(made)
  const { verifier, sources, anonymous, refusal, logRefusal, binding, resource, onAuthenticated } = options
  const hasBindings = binding.bindings.size > 0
  const verifyContext = hasBindings ? bare({ confirmations: [...binding.understood] }) : undefined
  const clock = clockOf(verifier)

  // A custom verifier may accept any text and return anything. For a JWT, only a refused token's characters are checked.
  const isCustomVerifier = !verifiesJwts(verifier)
  const dependsOnRequest = own(verifier, 'dependsOnRequest') === true
  const contextOf = (view: RequestView): VerifyContext => bare({ ...verifyContext, view })

  const authenticate = async (view: RequestView, requirement?: Requirement): Promise<Outcome<C>> => {
    let credential: Credential | undefined
    let headers = NO_FIELDS
    try {
      const extracting = extractCredential(view, sources, binding.schemes)
      // Checked by shape because an application may have replaced `Promise`.
      const isExtracted = extracting === undefined || Object.hasOwn(extracting, 'scheme')
      const extracted = isExtracted ? (extracting as Extracted) : await extracting
      if (extracted?.scheme === undefined) {
        assertMayBeAnonymous(view, extracted, requirement)
        return { kind: 'anonymous' }
      }
      credential = extracted
      const flaw = isCustomVerifier && !dependsOnRequest ? b64TokenFlaw(credential) : undefined
      if (flaw !== undefined) throw flaw
      let token = await verifier.verify(credential.token, dependsOnRequest ? contextOf(view) : verifyContext)
      if (isCustomVerifier) assertVerified(token)
      // The claims of a JWT have no prototype.
      const cnf = isCustomVerifier ? own(token.claims, 'cnf') : token.claims.cnf
      if (hasBindings || cnf !== undefined)
        await confirmBindings(binding, { token, view, credential }, (added) => {
          headers = added
        })
      if (requirement !== undefined) {
        const granted = grantedToken(requirement, token)
        token = isThenable(granted) ? await granted : granted
      }
      if (refusal.exposeChallenge) headers = exposed(headers)
      const { scheme } = credential
      const authenticated = { kind: 'authenticated', token, scheme, headers } as const
      if (onAuthenticated === undefined) return authenticated
      return { ...authenticated, user: await userOf(onAuthenticated, token, view) }
    } catch (error) {
      return refuse(error, requirement, credential, headers)
    }
  }

  const userOf = async (find: OnAuthenticated, token: VerifiedToken<C>, view: RequestView): Promise<unknown> => {
    const user = await answerOf('onAuthenticated', clock, () => find(token, view))
    if ((user ?? false) !== false) return user
    throw new AuthError('token_refused', { actual: 'no user' })
  }

  const assertMayBeAnonymous = (view: RequestView, other?: OtherScheme, requirement?: Requirement): void => {
    const mayBeAnonymous = other === undefined || !other.mayBeToken
    if (anonymous === 'accepted' && requirement === undefined && mayBeAnonymous) return
    throw other === undefined
      ? new AuthError('credential_missing', missingDetails(view, resource))
      : unsupportedScheme(other, binding.schemes)
  }

  /** A requirement that hangs must not make requests hang. */
  const inTime = <T>(asked: Soon<T>, { description }: Requirement): Soon<T> =>
    isThenable(asked) ? answeredWithin(checkDeadline(description, clock), () => asked) : asked

  /** The token, or another one if the requirement needs a fresh answer. */
  const grantedToken = (requirement: Requirement, token: VerifiedToken<C>): Soon<VerifiedToken<C>> =>
    needsFresh(requirement)
      ? freshToken(token, requirement)
      : chained(inTime(assertRequirement(requirement, token, contextNow()), requirement), () => token)

  const contextNow = (): RequirementContext => ({ now: timeOf(verifier) })

  const freshToken = async (token: VerifiedToken<C>, requirement: Requirement): Promise<VerifiedToken<C>> => {
    const asserted = async (given: VerifiedToken<C>): Promise<unknown> =>
      inTime(assertRequirement(requirement, given, { ...contextNow(), fresh: true }), requirement)
    // One of `anyOf` may be met without a fresh answer.
    if (await inTime(isMet(requirement, token, contextNow()), requirement)) return token
    // A fresh answer cannot help a token that lacks something else.
    await asserted(token)
    assertCanAsk('authorize request', requirement, verifier)
    const fresh = await verifier.verifyFresh?.(token, verifyContext)
    assertVerified(fresh)
    // The request has proven possession of the key in the earlier answer, and of no other.
    const [confirmed, actual] = [token, fresh].map((one) => JSON.stringify(own(one.claims, 'cnf')))
    if (confirmed !== actual) throw new AuthError('binding_failed', { expected: 'the same "cnf" as before' })
    await asserted(fresh)
    return fresh
  }

  const authorize: Authenticator<C>['authorize'] = (token, requirement, scheme = 'Bearer') => {
    const refused = (error: unknown): Refused => refuse(error, requirement, { scheme, token: undefined })
    try {
      if (token === undefined) throw new AuthError('credential_missing')
      const admit = (granted: VerifiedToken<C>): Outcome<C> => ({
        kind: 'authenticated',
        token: granted,
        scheme,
        headers: NO_FIELDS,
      })
      const granted = grantedToken(requirement, token)
      return isThenable(granted) ? granted.then(admit, refused) : admit(granted)
    } catch (error) {
      return refused(error)
    }
  }

  // Only refusals become responses; bugs go to the framework's own error handler.
  const refuse = (thrown: unknown, requirement?: Requirement, used?: UsedCredential, headers?: Fields): Refused => {
    try {
      const refused = asRefusal(thrown)
      if (refused === undefined) throw thrown
      const error = flawOfRefused(used?.token, refused) ?? refused
      logRefusal(error)
      const refusing = { scheme: used?.scheme, scopes: requirement?.scopes, headers }
      return { kind: 'refused', error, response: refusalResponse(error, refusal, refusing) }
    } catch (bug) {
      throw asError(bug)
    }
  }

  const explain: Authenticator<C>['explain'] = (view, requirement) =>
    explainRequest(view, {
      verifier,
      userOf: onAuthenticated && ((token) => userOf(onAuthenticated, token as VerifiedToken<C>, view)),
      context: contextOf(view),
      binding,
      requirement,
      // The token comes from the same verifier.
      granted: (demand, token) => grantedToken(demand, token as VerifiedToken<C>),
      credentialOf: async () => {
        const extracted = await extractCredential(view, sources, binding.schemes)
        if (extracted?.scheme !== undefined) return extracted
        assertMayBeAnonymous(view, extracted, requirement)
        return undefined
      },
    })

  const readsBody = sources.some(({ from }) => from === 'form')
  const schemes = Object.freeze([...binding.schemes.values()])
  const findsUser = onAuthenticated !== undefined
  return { verifier, readsBody, schemes, findsUser, authenticate, authorize, explain, ...(resource && { resource }) }
}

/**
 * Reports a requirement such as `fresh()` for a verifier that cannot ask the authorization server. Adapters call it at start-up.
 *
 * @throws TypeError
 */
export function assertCanAsk(action: string, requirement: Requirement, verifier: object): void {
  if (needsFresh(requirement) && typeof own(verifier, 'verifyFresh') !== 'function')
    throw misconfigured(
      action,
      'fresh() needs a verifier that asks the authorization server: give { verifier: createIntrospectionVerifier(…) }',
    )
}

/** The credential of a refused request; without the token if only a requirement was checked. */
type UsedCredential = Credential | { readonly scheme: string; readonly token: undefined }

function exposed(headers: Fields): Fields {
  const names = Object.keys(headers)
  if (names.length === 0) return headers
  return Object.freeze(bare({ ...headers, 'access-control-expose-headers': names.join(', ') }))
}

// A preflight never carries a credential (Fetch section 4.8), so CORS must answer it before authentication.
function missingDetails(view: RequestView, resource: ProtectedResource | undefined): { readonly hint?: string } {
  if (resource?.paths.includes(view.target))
    return { hint: 'It asks for the metadata of the resource: serve it before authentication, with resourceMetadata' }
  if (view.method !== 'OPTIONS' || view.header('access-control-request-method').length === 0) return NO_DETAILS
  return {
    hint: 'It is a CORS preflight, which carries no token: let CORS answer first, before authenticateJwt or the gate',
  }
}

const NO_DETAILS = Object.freeze({})

/**
 * An application's own verifier may return nothing, or only the claims.
 *
 * @throws TypeError
 */
export function assertVerified(token: unknown): asserts token is VerifiedToken {
  const claims = memberOf(token, 'claims')
  if (isObject(claims) && typeof memberOf(memberOf(token, 'scopes'), 'has') === 'function') return
  throw new TypeError('Cannot authenticate request: "verifier" must return a verified token with "claims" and "scopes"')
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? own(value, name) : undefined
}

function isAuthenticator<C extends object>(made: object): made is Authenticator<C> {
  return isObject(made) && has(made, 'authenticate')
}
