import type { Authenticator, Requirement, VerifiedToken, Verifier } from '@claimgate/core'
import {
  admitted,
  asError,
  assertCanAsk,
  callback,
  has,
  ignoreRejection,
  isRequirement,
  isThenable,
  type MiddlewareAdapterOptions,
  misconfigured,
  numberIn,
  oneOf,
  type OptionTable,
  own,
  type RequirementOption,
  signedClaims,
  timeOf,
} from '@claimgate/core/adapter'
import { eventView } from './event.ts'
import { resolveOptions } from './options.ts'

/** Values that the API receives from an authorizer. */
export type AuthorizerContext = Readonly<Record<string, string | number | boolean>>

/** The answer of an authorizer that returns a policy. */
export interface AuthorizerPolicy {
  readonly principalId: string
  readonly policyDocument: { readonly Version: '2012-10-17'; readonly Statement: readonly Statement[] }
  readonly context: AuthorizerContext
}

interface Statement {
  readonly Action: 'execute-api:Invoke'
  readonly Effect: 'Allow' | 'Deny'
  readonly Resource: readonly string[]
  readonly Condition?: object
}

/** The answer of an authorizer of an HTTP API with simple responses. */
export interface SimpleAnswer {
  readonly isAuthorized: boolean
  readonly context: AuthorizerContext
}

/** The answer of an authorizer. */
export type AuthorizerAnswer = AuthorizerPolicy | SimpleAnswer

/** What an authorizer adds to the options of `protect`. */
export interface AuthorizerRules<C extends object = object> extends RequirementOption {
  /**
   * What routes require, by method and path as in ARNs: `{ 'GET/orders/*': scope('orders:read') }`. The policy allows every route whose
   * requirement the token meets, whichever route was called. A route that fits several must meet all of them. @defaultValue all routes, with `requirement`
   */
  readonly routes?: Readonly<Record<string, Requirement>> | undefined
  /** `simple` for an HTTP API with simple responses. @defaultValue 'policy' */
  readonly format?: 'policy' | 'simple' | undefined
  /**
   * Seconds that the API caches answers: the TTL of the authorizer. From 0 to 3,600. Required with `simple`: tokens that expire within that
   * time are refused, because the API would accept them longer. @defaultValue none
   */
  readonly ttl?: number | undefined
  /** Makes the values for the API. @defaultValue `sub`, `client_id`, `scope` and `exp` */
  readonly context?: ((token: VerifiedToken<C>) => AuthorizerContext) | undefined
}

/** Options of an authorizer. */
export type AuthorizerOptions<C extends object = object> = MiddlewareAdapterOptions<C> & AuthorizerRules<C>

/** The options that an authorizer adds. */
export const AUTHORIZER: OptionTable<Omit<AuthorizerRules, 'requirement'>> = {
  routes: {
    be: 'an object with a requirement for each route',
    fits: (value) => typeof value === 'object' && value !== null,
  },
  format: { ...oneOf('policy', 'simple'), default: 'policy' },
  ttl: numberIn({ least: 0, most: 3600 }),
  context: callback,
}

const ACTION = 'create authorizer'

/**
 * Creates a Lambda authorizer of API Gateway: of a REST API (type `TOKEN` or `REQUEST`), an HTTP API (payload 1.0 or 2.0, policy or simple
 * response), or a WebSocket API. Create it once, outside the handler.
 *
 * API Gateway answers 401 for a token that is refused, 403 for one that is not sufficient, and 500 during an outage, without a challenge. It
 * caches policies, so a policy depends on the token and the API alone, and expires with the token. Bindings such as DPoP are not possible,
 * because a cached answer checks no proof.
 *
 * @throws TypeError for wrong options
 */
export function authorizer<C extends object = object>(
  options: AuthorizerOptions<C> | Verifier<C> | Authenticator<C> = {},
): (event: unknown) => Promise<AuthorizerAnswer> {
  const settings = resolveOptions<C, AuthorizerRules<C>>(options, ACTION, AUTHORIZER)
  const { authenticator, requirement, format, ttl, context = defaultContext } = settings
  const routes = readRoutes(own(settings, 'routes'))
  assertPossible(settings, authenticator)
  for (const [, one] of routes ?? []) assertCanAsk(ACTION, one, authenticator.verifier)

  /** The routes that a token may call, and those that it may not: patterns below the stage of the API. */
  const divided = async (token: VerifiedToken<C>): Promise<Routes> => {
    const asked = (routes ?? []).map(async ([pattern, one]) => {
      const outcome = await authenticator.authorize(token, one)
      if (outcome.kind === 'refused' && outcome.error.status === 503) throw UNAVAILABLE()
      return { pattern, isMet: outcome.kind !== 'refused' && admitted(outcome) !== undefined }
    })
    const answers = await Promise.all(asked)
    const those = (met: boolean) => answers.filter(({ isMet }) => isMet === met).map(({ pattern }) => pattern)
    return routes === undefined ? EVERY_ROUTE : { allowed: those(true), denied: those(false) }
  }

  const decide = async (event: unknown): Promise<AuthorizerAnswer> => {
    const api = apiOf(event)
    const outcome = await authenticator.authenticate(eventView(event), requirement)
    if (outcome.kind === 'refused') {
      const { status } = outcome.error
      if (status === 503) throw UNAVAILABLE()
      if (status !== 403) throw UNAUTHORIZED()
      return format === 'simple' ? { isAuthorized: false, context: {} } : policy(api, NO_ROUTE, 'refused', {})
    }
    const token = admitted(outcome)?.token
    if (token === undefined) throw UNAUTHORIZED()
    const claims = signedClaims(token)
    // Its binding was confirmed for this request alone, and a cached answer would be for any.
    if (own(claims, 'cnf') !== undefined) throw UNAUTHORIZED()
    const exp = own(claims, 'exp')
    const values = checkedContext(context(token))
    if (format === 'simple') {
      const ends = typeof exp === 'number' ? exp - (ttl ?? 0) : Number.POSITIVE_INFINITY
      if (ends <= timeOf(authenticator.verifier)) throw UNAUTHORIZED()
      return { isAuthorized: true, context: values }
    }
    const principal = [own(claims, 'sub'), own(claims, 'client_id'), own(claims, 'azp')]
    const name = principal.find((one) => typeof one === 'string' && one !== '') ?? 'unknown'
    return policy(api, await divided(token), name, values, exp)
  }

  return async (event) => {
    try {
      return await decide(event)
    } catch (thrown) {
      throw asError(thrown)
    }
  }
}

// API Gateway answers 401 for exactly this text, and 500 for any other.
const UNAUTHORIZED = (): Error => new Error('Unauthorized')
const UNAVAILABLE = (): Error => new Error('Access tokens cannot be verified at the moment')

/**
 * The API and the stage of an event. The called method is left out: a cached policy must not depend on it.
 *
 * @throws TypeError for the event of anything but an authorizer
 */
function apiOf(event: unknown): string {
  const members = typeof event === 'object' && event !== null ? [own(event, 'methodArn'), own(event, 'routeArn')] : []
  const arn = members.find((one) => typeof one === 'string')
  const [api] = (typeof arn === 'string' && /^arn:[\w-]+:execute-api:[\w-]+:\d*:\w+\/[^/*?]+(?=\/)/.exec(arn)) || []
  if (api !== undefined) return api
  throw new TypeError(
    'Cannot authorize event: it has no methodArn or routeArn of an API. Use it as an authorizer of API Gateway',
  )
}

interface Routes {
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
}

const EVERY_ROUTE: Routes = { allowed: ['*'], denied: [] }
const NO_ROUTE: Routes = { allowed: [], denied: [] }

/** A policy that allows patterns of routes until the token expires, and nothing else. A denial wins where patterns overlap. */
function policy(
  api: string,
  { allowed, denied }: Routes,
  principalId: string,
  context: AuthorizerContext,
  exp?: unknown,
): AuthorizerPolicy {
  const Action = 'execute-api:Invoke'
  const ends = typeof exp === 'number' ? new Date(exp * 1000).toISOString().replace(/\.\d+/, '') : undefined
  const Condition = ends === undefined ? {} : { Condition: { DateLessThan: { 'aws:CurrentTime': ends } } }
  const below = (patterns: readonly string[]): readonly string[] => patterns.map((pattern) => `${api}/${pattern}`)
  const allow: Statement = { Action, Effect: 'Allow', Resource: below(allowed), ...Condition }
  const deny: Statement = { Action, Effect: 'Deny', Resource: below(allowed.length === 0 ? ['*'] : denied) }
  const Statement = [allow, deny].filter(({ Resource }) => Resource.length > 0)
  return { principalId, policyDocument: { Version: '2012-10-17', Statement }, context }
}

function readRoutes(routes: AuthorizerRules['routes']): readonly (readonly [string, Requirement])[] | undefined {
  if (routes === undefined) return undefined
  const read = Object.entries(routes)
  if (read.length === 0) throw misconfigured(ACTION, '"routes" must name a route, or be left out')
  for (const [pattern, requirement] of read) {
    // `?` stands for any character in an ARN, too.
    if (!/^(?:\*|[A-Z]+|\$[\w-]+)(?:\/[^?\s]*)?$/.test(pattern))
      throw misconfigured(ACTION, '"routes" must have names like "GET/orders/*" or "$connect"', pattern)
    if (!isRequirement(requirement))
      throw misconfigured(ACTION, `"routes.${pattern}" must be a requirement such as scope("orders:read")`, requirement)
  }
  return read
}

function assertPossible(settings: object, { schemes }: Pick<Authenticator, 'schemes'>): void {
  const [format, ttl, routes] = ['format', 'ttl', 'routes'].map((name) => own(settings, name))
  if (own(settings, 'optional') === true)
    throw misconfigured(ACTION, '"optional" is not possible: leave the authorizer of open routes out')
  if ((schemes ?? []).length > 1 || has(settings, 'bindings'))
    throw misconfigured(ACTION, '"bindings" are not possible, because a cached answer checks no proof: use protect()')
  if (format === 'simple' && ttl === undefined)
    throw misconfigured(
      ACTION,
      'with "format: \'simple\'", give "ttl": the TTL of the authorizer, 0 if it caches nothing',
    )
  if (format === 'simple' && routes !== undefined)
    throw misconfigured(ACTION, 'a simple response cannot name "routes": use the format "policy", or "requirement"')
}

function defaultContext({ claims, scopes }: VerifiedToken): AuthorizerContext {
  const names = ['sub', 'client_id', 'exp'] as const
  const known = names.map((name) => [name, own(claims, name)] as const)
  const values = known.filter((entry): entry is [(typeof names)[number], string | number] =>
    /^(?:string|number)$/.test(typeof entry[1]),
  )
  return { ...Object.fromEntries(values), scope: [...scopes].join(' ') }
}

// API Gateway answers 500 for any other value, which is hard to find.
function checkedContext(given: unknown): AuthorizerContext {
  // A promise has no values, and a rejected one would end the process.
  ignoreRejection(given)
  const isObject = typeof given === 'object' && given !== null && !isThenable(given)
  const values = isObject ? Object.entries(given) : []
  if (isObject && values.every(([, value]) => /^(?:string|number|boolean)$/.test(typeof value)))
    return Object.fromEntries(values) as AuthorizerContext
  throw new TypeError('"context" must return an object of strings, numbers and booleans')
}
