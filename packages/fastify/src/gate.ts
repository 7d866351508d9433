import { createAuthenticator, type Outcome, type Refused, type Requirement } from '@claimgate/core'
import { refusedError, resolveAdapterOptions } from '@claimgate/core/extend'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ClaimgateOptions, ScopeOptions } from './claimgate-options.ts'
import { answerWith } from './refuse.ts'
import { requestView } from './request-view.ts'
import { ACTION, resolveScopeOptions, SCOPE_OPTIONS } from './resolve-scope-options.ts'

/** A hook for `onRequest` or `preValidation`. */
export type AuthenticateHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** What one registration of the plugin puts in front of its scope. */
export interface Gate {
  readonly protects: 'every route' | 'routes that ask'
  readonly notFound: Required<ScopeOptions>['notFound']
  readonly securityScheme: string
  /** When all that may hold the token has been read. */
  readonly stage: 'onRequest' | 'preValidation'
  /** A hook that answers refused requests. */
  answering(requirement?: Requirement): AuthenticateHook
  /** A hook that throws for refused requests, so that another way to authenticate may be tried. */
  throwing(requirement?: Requirement): AuthenticateHook
}

/** @throws TypeError for wrong options; where they come from the environment, it names the variable */
export function createGate(options: ClaimgateOptions): Gate {
  const { global, notFound, onReject, securityScheme } = resolveScopeOptions(options)
  const rules = { action: ACTION, own: SCOPE_OPTIONS, environment: process.env }
  const authenticator = createAuthenticator(resolveAdapterOptions(options, rules))
  const answer = answerWith(onReject)
  return {
    protects: global ? 'every route' : 'routes that ask',
    notFound,
    securityScheme,
    stage: authenticator.readsBody ? 'preValidation' : 'onRequest',
    answering: (requirement) => async (request, reply) => {
      request.auth = null
      const refusal = admit(request, await authenticator.authenticate(requestView(request), requirement))
      if (refusal === undefined) return undefined
      await answer(refusal, request, reply)
      // Fastify waits for the reply to be sent before it goes on, and then there is nothing left to do.
      return reply
    },
    throwing: (requirement) => async (request) => {
      request.auth = null
      const refusal = admit(request, await authenticator.authenticate(requestView(request), requirement))
      if (refusal !== undefined) throw refusedError(refusal)
    },
  }
}

// The hooks clear `auth` first, so that nothing that another gate said outlives a refusal by this one.
function admit(request: FastifyRequest, outcome: Outcome): Refused | undefined {
  if (outcome.kind === 'refused') return outcome
  request.auth = outcome.kind === 'anonymous' ? null : (outcome.token as NonNullable<typeof request.auth>)
  return undefined
}
