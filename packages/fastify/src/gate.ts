import { createAuthenticator, type Outcome, type Requirement } from '@claimgate/core'
import { admittedToken, asError, refusedError, resolveAdapterOptions } from '@claimgate/core/extend'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { ClaimgateOptions, ScopeOptions } from './claimgate-options.ts'
import { hold, release, releaseUnlessSent } from './hold.ts'
import { logRefusals } from './log-refusals.ts'
import { answerWith, failWith } from './refuse.ts'
import { requestView } from './request-view.ts'
import { ACTION, resolveScopeOptions, SCOPE_OPTIONS } from './resolve-scope-options.ts'

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
