import type { Outcome, ProtectedResource, Refused, VerifiedToken, Verifier } from '@claimgate/core'
import {
  addFields,
  admitted,
  asError,
  createLogRefusal,
  NodeRequestView,
  own,
  type RefusalLine,
  refusedError,
  requirementFor,
  type RequirementRule,
  setProperty,
  userOrToken,
  writeTo,
} from '@claimgate/core/adapter'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import {
  answerWith,
  type ClaimgateOptions,
  failWith,
  type ReadScopeOptions,
  resolveOptions,
  type ScopeOptions,
} from './options.ts'

/** The request decorator that blocks a request from its handler; `null` until a gate has run. */
export const HOLD: unique symbol = Symbol('claimgate hold')

interface Hold {
  /** The number of gates that have not admitted the request: they are fetching keys, or have refused it. */
  closed: number
  /** Whether the request matches no route. */
  readonly unknown: boolean
  /** Continues to the handler, if Fastify reached `preHandler` before the gates had decided. */
  goOn: (() => void) | undefined
}

interface HeldRequest {
  [HOLD]?: Hold | null
}

/** Blocks a request from its handler until `release` has been called as many times. */
function hold(request: FastifyRequest): void {
  const held = (request as HeldRequest)[HOLD]
  if (held) held.closed += 1
  else (request as HeldRequest)[HOLD] = { closed: 1, unknown: request.is404, goOn: undefined }
}

/** Returns the function to call instead of the hook's `done`, if `holdBack` is blocking the request; otherwise `undefined`. */
function release(request: FastifyRequest): (() => void) | undefined {
  const held = (request as HeldRequest)[HOLD]
  if (!held) return undefined
  held.closed -= 1
  return held.closed === 0 ? held.goOn : undefined
}

/** Releases a request unless its error is sent at once, because another authentication method may still admit it. */
function releaseUnlessSent(request: FastifyRequest, reply: FastifyReply, error: Error): void {
  const { send } = reply
  let sent = false
  reply.send = (payload?: unknown) => {
    sent ||= payload === error
    return send.call(reply, payload)
  }
  setImmediate(() => {
    if (!sent) release(request)?.()
  })
}

/**
 * A `preHandler` hook that passes only requests that all gates have admitted. It is needed because an application hook that both calls
 * `done` and returns a promise makes Fastify skip hooks that are still pending.
 */
export function holdBack(request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): unknown {
  const held = (request as HeldRequest)[HOLD]
  // The application may answer a refused request with `reply.callNotFound()`.
  if (!held || held.closed === 0 || (request.is404 && !held.unknown)) return done?.()
  held.goOn ??= () => done?.()
  // Also blocks plugins that await hooks instead of passing `done`.
  return typeof done === 'function' ? undefined : new Promise(() => {})
}

/** Logs why a request is refused. */
type LogRefused = (refusal: Refused, request: FastifyRequest) => void

/** Creates the function that logs refusals. It uses the log of each request, unless the options set another log or `false`. */
function logRefusals({ log, clock }: ReadScopeOptions): LogRefused {
  if (log === false) return () => {}
  const logRefusal = createLogRefusal(clock)
  if (log !== undefined) {
    const write = writeTo(log)
    return ({ error }) => logRefusal(error, write)
  }
  return ({ error }, request) => logRefusal(error, (line) => request.log.info(fieldsOf(line), line.message))
}

function fieldsOf({ code, suppressed }: RefusalLine): object {
  return suppressed === 0 ? { code } : { code, suppressed }
}

/** What a route requires. */
export type RouteRequirement = RequirementRule<FastifyRequest>

/** A hook for `onRequest` or `preValidation`. */
export type AuthenticateHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** A hook that calls `done` to admit a request, or `done` with an error. It never calls `done` for a request that it has answered. */
export type AnsweringHook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** The protection that one registration of the plugin adds to its scope. */
export interface Gate {
  readonly verifier: Verifier
  readonly protects: 'every route' | 'routes that ask'
  readonly notFound: Required<ScopeOptions>['notFound']
  readonly securityScheme: string | false
  /** The accepted authentication schemes. */
  readonly schemes: readonly string[] | undefined
  /** The resource whose metadata is served. */
  readonly resource: ProtectedResource | undefined
  /** The property of requests that gets the user or the token. */
  readonly property: string | undefined
  readonly admits: 'tokens only' | 'anonymous requests too'
  /** The first hook at which the token can be read: `preValidation` if it may be in the body. */
  readonly stage: 'onRequest' | 'preValidation'
  /**
   * Creates a hook that answers refused requests. It uses a callback because Fastify continues after a promise, no matter how the reply
   * ended: a client that disconnects early would get a refused request to the handler.
   */
  answering(requirement?: RouteRequirement): AnsweringHook
  /** Creates a hook that throws for refused requests, so that another authentication method can be tried. */
  throwing(requirement?: RouteRequirement): AuthenticateHook
}

/** Creates a gate. @throws TypeError for wrong options; if they come from the environment, it names the variable */
export function createGate(given: ClaimgateOptions): Gate {
  const options = resolveOptions(given)
  const { global, notFound, onReject, securityScheme, authenticator } = options
  const property = options.property ?? (own(authenticator, 'findsUser') === true ? 'user' : undefined)
  const logRefused = logRefusals(options)
  const answer = answerWith(onReject)

  const authenticate = (request: FastifyRequest, requirement: RouteRequirement | undefined): Promise<Outcome> => {
    // Reset first, so that the result of another gate is gone if this one refuses the request.
    request.auth = null
    if (property !== undefined) setProperty(request, property, null)
    hold(request)
    return typeof requirement === 'function'
      ? authorizeAfterwards(request, requirement)
      : authenticator.authenticate(new NodeRequestView(request, request.raw), requirement)
  }

  // The application's function runs only for accepted requests, and may read `request.auth`.
  const authorizeAfterwards = async (request: FastifyRequest, requirement: RouteRequirement): Promise<Outcome> => {
    const outcome = await authenticator.authenticate(new NodeRequestView(request, request.raw))
    if (outcome.kind === 'refused') return outcome
    const authenticated = admitted(outcome)
    const { token, scheme, headers } = authenticated ?? ANONYMOUS
    let authorizing: ReturnType<typeof authenticator.authorize>
    try {
      setAuth(request, token)
      authorizing = authenticator.authorize(token, requirementFor(requirement, request), scheme)
    } finally {
      request.auth = null
    }
    const authorized = await authorizing
    if (authorized.kind === 'refused') return authorized
    const granted = admitted(authorized)
    if (granted === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
    const user = authenticated && own(authenticated, 'user')
    return { ...granted, headers, ...(user !== undefined && { user }) }
  }

  const throwing =
    (requirement?: RouteRequirement): AuthenticateHook =>
    async (request, reply) => {
      try {
        const outcome = await authenticate(request, requirement)
        if (outcome.kind === 'refused') throw refusedError(outcome)
        admit(request, reply, { outcome, property })
      } catch (thrown) {
        // @fastify/auth would continue on a rejection with undefined.
        const error = asError(thrown)
        releaseUnlessSent(request, reply, error)
        throw error
      }
      const goOn = release(request)
      if (goOn === undefined) return undefined
      goOn()
      return new Promise(() => {})
    }

  const answering = (request: FastifyRequest, reply: FastifyReply, { requirement, done }: Decision): void => {
    const fail = failWith(request, reply, done)
    const decide = (outcome: Outcome): void => {
      try {
        if (outcome.kind === 'refused') {
          logRefused(outcome, request)
          return answer(outcome, request, reply, fail)
        }
        admit(request, reply, { outcome, property })
      } catch (thrown) {
        return fail(thrown)
      }
      return (release(request) ?? done)()
    }
    authenticate(request, requirement).then(decide, fail)
  }

  return {
    verifier: authenticator.verifier,
    protects: global ? 'every route' : 'routes that ask',
    notFound,
    securityScheme,
    property,
    schemes: own(authenticator, 'schemes'),
    resource: own(authenticator, 'resource'),
    admits: options.optional === true ? 'anonymous requests too' : 'tokens only',
    stage: authenticator.readsBody ? 'preValidation' : 'onRequest',
    throwing,
    // A plugin that wraps the hooks of a route may await them without a callback: then only a rejection stops it.
    answering: (requirement) => (request, reply, done) =>
      typeof done === 'function'
        ? answering(request, reply, { requirement, done })
        : throwing(requirement)(request, reply),
  }
}

interface Decision {
  readonly requirement: RouteRequirement | undefined
  readonly done: HookHandlerDoneFunction
}

interface Admission {
  readonly outcome: Outcome
  readonly property: string | undefined
}

function admit(request: FastifyRequest, reply: FastifyReply, { outcome, property }: Admission): void {
  const authenticated = admitted(outcome)
  const { token, headers } = authenticated ?? ANONYMOUS
  if (Object.keys(headers).length > 0)
    addFields(headers, {
      getHeader: (name) => reply.getHeader(name),
      setHeader: (name, value) => reply.header(name, value),
    })
  setAuth(request, token)
  if (property !== undefined) setProperty(request, property, userOrToken(authenticated) ?? null)
}

const ANONYMOUS = { token: undefined, scheme: undefined, headers: {} } as const

function setAuth(request: FastifyRequest, token: VerifiedToken | undefined): void {
  request.auth = (token ?? null) as typeof request.auth
}
