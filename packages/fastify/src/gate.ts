import {
  type Clock,
  createAuthenticator,
  type HttpOptions,
  type Outcome,
  type Refused,
  type RequestView,
  type Requirement,
} from '@claimgate/core'
import {
  admittedToken,
  asError,
  createLogRefusal,
  nodeFieldValues,
  own,
  type RefusalLine,
  refusedError,
  resolveAdapterOptions,
  resolveLog,
  writeTo,
} from '@claimgate/core/extend'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import {
  ACTION,
  answerWith,
  type ClaimgateOptions,
  failWith,
  resolveScopeOptions,
  SCOPE_OPTIONS,
  type ScopeOptions,
} from './options.ts'

/** What the core sees of a Fastify request. */
function requestView(request: FastifyRequest): RequestView {
  return {
    method: request.method,
    target: request.originalUrl,
    header: (name) => nodeFieldValues(request.headers, request.raw.rawHeaders, name),
    form: () => Promise.resolve(request.body as Record<string, unknown> | undefined),
  }
}

/** A member of requests: what keeps one from its handler, `null` before a gate has seen it. */
export const HOLD: unique symbol = Symbol('claimgate hold')

interface Hold {
  /** How many gates have not let the request through: they wait for keys, or have refused it. */
  closed: number
  /** Whether no route is known for it. */
  readonly unknown: boolean
  /** Goes on to the handler, where Fastify came there before the gates had decided. */
  goOn: (() => void) | undefined
}

interface HeldRequest {
  [HOLD]?: Hold | null
}

/** Keeps a request from its handler, until `release` has been called as often. */
function hold(request: FastifyRequest): void {
  const held = (request as HeldRequest)[HOLD]
  if (held) held.closed += 1
  else (request as HeldRequest)[HOLD] = { closed: 1, unknown: request.is404, goOn: undefined }
}

/** Gives what to call to go on, in place of the hook's own `done`, where Fastify has been kept from the handler. */
function release(request: FastifyRequest): (() => void) | undefined {
  const held = (request as HeldRequest)[HOLD]
  if (!held) return undefined
  held.closed -= 1
  return held.closed === 0 ? held.goOn : undefined
}

/** Releases a request, unless its error becomes the answer at once: another way to authenticate may let it through. */
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
 * A hook for `preHandler` that lets only requests pass that all gates have let through. A hook of the application that goes on twice, because
 * it calls `done` and returns a promise, makes Fastify skip the hooks that still wait.
 */
export function holdBack(request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): unknown {
  const held = (request as HeldRequest)[HOLD]
  // With `reply.callNotFound()` the application answers a refused request.
  if (!held || held.closed === 0 || (request.is404 && !held.unknown)) return done?.()
  held.goOn ??= () => done?.()
  // Kept waiting as well where a plugin awaits hooks.
  return typeof done === 'function' ? undefined : new Promise(() => {})
}

/** Says why a request is refused. */
type LogRefused = (refusal: Refused, request: FastifyRequest) => void

/**
 * How to log refusals: with the log of each request, unless the options have another or turn it off.
 *
 * @throws TypeError for anything else
 */
function logRefusals(options: HttpOptions & { readonly clock?: Partial<Clock> | undefined }): LogRefused {
  const option = own(options, 'log')
  const log = resolveLog(ACTION, option)
  if (option === false) return () => {}
  const logRefusal = createLogRefusal(own(options, 'clock'))
  if (log !== undefined) {
    const write = writeTo(log)
    return ({ error }) => logRefusal(error, write)
  }
  return ({ error }, request) => logRefusal(error, (line) => request.log.info(fieldsOf(line), line.message))
}

function fieldsOf({ code, suppressed }: RefusalLine): object {
  return suppressed === 0 ? { code } : { code, suppressed }
}

/** A hook for `onRequest` or `preValidation`. */
export type AuthenticateHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** A hook that calls `done` to let a request through, or with an error, and never for a request that it has answered. */
export type AnsweringHook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** What one registration of the plugin puts in front of its scope. */
export interface Gate {
  readonly protects: 'every route' | 'routes that ask'
  readonly notFound: Required<ScopeOptions>['notFound']
  readonly securityScheme: string | false
  /** When all that may hold the token has been read. */
  readonly stage: 'onRequest' | 'preValidation'
  /**
   * A hook that answers refused requests. It calls back because Fastify goes on after a promise, however the reply ended: a client that
   * closes early would get a refused request to the handler.
   */
  answering(requirement?: Requirement): AnsweringHook
  /** A hook that throws for refused requests, so that another way to authenticate may be tried. */
  throwing(requirement?: Requirement): AuthenticateHook
}

/** @throws TypeError for wrong options; where they come from the environment, it names the variable */
export function createGate(options: ClaimgateOptions): Gate {
  const { global, notFound, onReject, securityScheme } = resolveScopeOptions(options)
  const rules = { action: ACTION, own: SCOPE_OPTIONS, environment: process.env }
  const logRefused = logRefusals(options)
  const authenticator = createAuthenticator({ ...resolveAdapterOptions(options, rules), log: false })
  const answer = answerWith(onReject)

  const authenticate = (request: FastifyRequest, requirement: Requirement | undefined): Promise<Outcome> => {
    // First, so that nothing another gate said outlives a refusal by this one.
    request.auth = null
    hold(request)
    return authenticator.authenticate(requestView(request), requirement)
  }

  const throwing =
    (requirement?: Requirement): AuthenticateHook =>
    async (request, reply) => {
      try {
        const outcome = await authenticate(request, requirement)
        if (outcome.kind === 'refused') throw refusedError(outcome)
        admit(request, outcome)
      } catch (thrown) {
        // @fastify/auth reads a rejection with undefined as "go on".
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
        admit(request, outcome)
      } catch (thrown) {
        return fail(thrown)
      }
      return (release(request) ?? done)()
    }
    authenticate(request, requirement).then(decide, fail)
  }

  return {
    protects: global ? 'every route' : 'routes that ask',
    notFound,
    securityScheme,
    stage: authenticator.readsBody ? 'preValidation' : 'onRequest',
    throwing,
    // A plugin that wraps the hooks of a route may await them: without a callback, only a rejection keeps it from going on.
    answering: (requirement) => (request, reply, done) =>
      typeof done === 'function'
        ? answering(request, reply, { requirement, done })
        : throwing(requirement)(request, reply),
  }
}

interface Decision {
  readonly requirement: Requirement | undefined
  readonly done: HookHandlerDoneFunction
}

function admit(request: FastifyRequest, outcome: Outcome): void {
  request.auth = (admittedToken(outcome) ?? null) as typeof request.auth
}
