import 'reflect-metadata'
import { allOf, type Refused, type Requirement } from '@claimgate/core'
import {
  addFields,
  type Admission,
  admitted,
  asError,
  createAdmissions,
  isRequirement,
  NodeRequestView,
  own,
  type ReadAdapterOptions,
  refusedError,
  requirementFor,
  type RequirementOption,
  type RequirementRule,
  setProperty,
} from '@claimgate/core/adapter'
import type { CanActivate, ExecutionContext } from '@nestjs/common'
import { fieldsOf, RefusedException, type Reply } from './refusal.ts'

/** What a route requires: a requirement such as `anyScope(…)`, or a function that returns the requirement of a request. */
export type RouteRequirement = RequirementRule<ExecutionContext>

/** What decorators say about a controller or a handler: it is open, or what it requires. */
export type Rules = 'public' | readonly RouteRequirement[]

/** The metadata with the rules of a controller or a handler. */
export const RULES = 'claimgate:rules'

/**
 * The rules of a request. A handler decides whether it is open, otherwise its controller. The requirements of both apply. A controller
 * inherits the requirements of its base class, but it is not open because that class is.
 */
export function rulesOf(controller: object, handler: object): Rules {
  const [given, inner] = [controller, handler].map((on) => Reflect.getMetadata(RULES, on) as Rules | undefined)
  const outer = given === 'public' && !Reflect.hasOwnMetadata(RULES, controller) ? undefined : given
  if (inner === undefined) return outer ?? []
  return inner === 'public' || outer === undefined || outer === 'public' ? inner : [...outer, ...inner]
}

/** Whether the handler of a request is open. */
export function isPublic(context: ExecutionContext): boolean {
  return rulesOf(context.getClass(), context.getHandler()) === 'public'
}

const admissions = createAdmissions<Admission>()

/**
 * The admission of a request.
 *
 * @throws TypeError if no guard has admitted the request
 */
export function admissionOf(context: ExecutionContext): Admission {
  const admission = admissions.of(context.switchToHttp().getRequest())
  if (admission !== undefined) return admission
  throw new TypeError(
    'Cannot authorize request: no guard of Claimgate has let it through. Import ClaimgateModule.forRoot() into the root module',
  )
}

/** A guard of decorated handlers: without the module, their requirements would be ignored. */
export const assertAdmitted: CanActivate = {
  canActivate: (context) => isPublic(context) || admissionOf(context) !== undefined,
}

/** The checked options of the module. */
export type Settings = ReadAdapterOptions<object, RequirementOption>

/** What is used of a request of Express or Fastify. */
type NestRequest = ConstructorParameters<typeof NodeRequestView>[0] & {
  readonly raw?: ConstructorParameters<typeof NodeRequestView>[1]
  auth?: unknown
}

/** Admits requests with a valid access token that meets the requirements of the handler. Everything that is not `@Public()` needs one. */
export class ClaimgateGuard implements CanActivate {
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rules = rulesOf(context.getClass(), context.getHandler())
    if (rules === 'public') return true
    if (context.getType() !== 'http')
      throw new TypeError(`Cannot authenticate ${context.getType<string>()} handler: ${NO_HTTP}`)
    const request: NestRequest = context.switchToHttp().getRequest()
    try {
      await this.#admit(context, request, rules)
      return true
    } catch (thrown) {
      admissions.set(request, undefined)
      request.auth = undefined
      // Nest sends the status of an HttpException, and a hook of the application may throw anything.
      throw thrown instanceof RefusedException
        ? thrown
        : new Error('Cannot authenticate request', { cause: asError(thrown) })
    }
  }

  async #admit(context: ExecutionContext, request: NestRequest, rules: readonly RouteRequirement[]): Promise<void> {
    const { authenticator, requirement } = this.#settings
    const response = fieldsOf(context.switchToHttp().getResponse<Reply>())
    // First, so that an earlier admission is gone if this guard refuses the request.
    admissions.set(request, undefined)
    request.auth = undefined
    const findsUser = own(authenticator, 'findsUser') === true
    if (findsUser) setProperty(request, 'user', undefined)
    const view = new NodeRequestView(request, own(request, 'raw') ?? (request as never))
    const fixed = [requirement, ...rules].filter(isRequirement)
    const outcome = await authenticator.authenticate(view, all(fixed))
    if (outcome.kind === 'refused') throw refused(outcome, response)
    const authenticated = admitted(outcome)
    const { token, scheme, headers } = authenticated ?? ANONYMOUS
    if (!response.headersSent) addFields(headers, response)
    let admission: Admission = { authenticator, token, scheme }
    for (const rule of rules) {
      if (typeof rule !== 'function') continue
      request.auth = admission.token
      const authorized = await authenticator.authorize(admission.token, requirementFor(rule, context), scheme)
      if (authorized.kind === 'refused') throw refused(authorized, response)
      const granted = admitted(authorized)
      if (granted === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
      admission = { ...admission, token: granted.token }
    }
    request.auth = admission.token
    if (findsUser) setProperty(request, 'user', authenticated && own(authenticated, 'user'))
    admissions.set(request, admission)
  }
}

const NO_HTTP =
  'Claimgate protects handlers of HTTP requests. Verify the token of a connection when it opens, and mark the handler @Public()'

const ANONYMOUS = { token: undefined, scheme: undefined, headers: {} } as const

function all(requirements: readonly Requirement[]): Requirement | undefined {
  // Not `[0]`, which would read `Object.prototype` if there is none.
  return requirements.length > 1 ? allOf(...requirements) : requirements.at(0)
}

// A filter of the application may answer instead of the one of the module: then the challenge is there, too.
function refused(outcome: Refused, response: ReturnType<typeof fieldsOf>): RefusedException {
  if (!response.headersSent)
    for (const [name, value] of Object.entries(refusedError(outcome).headers)) response.setHeader(name, value)
  return new RefusedException(outcome)
}
