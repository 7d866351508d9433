import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  optionsFromEnv,
  type Refused,
  type Requirement,
} from '@claimgate/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ClaimgateOptions, ScopeOptions } from './claimgate-options.ts'
import { refusedError } from './refuse.ts'
import { requestView } from './request-view.ts'
import { resolveScopeOptions } from './resolve-scope-options.ts'

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
  const authenticator = createAuthenticator(authenticatorOptions(options))
  return {
    protects: global ? 'every route' : 'routes that ask',
    notFound,
    securityScheme,
    stage: authenticator.readsBody ? 'preValidation' : 'onRequest',
    answering: (requirement) => async (request, reply) => {
      const refusal = await authenticate(authenticator, request, requirement)
      if (refusal === undefined) return undefined
      await onReject(refusal, request, reply)
      // Fastify waits for the reply to be sent before it goes on, and then there is nothing left to do.
      return reply
    },
    throwing: (requirement) => async (request) => {
      const refusal = await authenticate(authenticator, request, requirement)
      if (refusal !== undefined) throw refusedError(refusal)
    },
  }
}

function authenticatorOptions(options: ClaimgateOptions): AuthenticatorOptions {
  const {
    global: _global,
    notFound: _notFound,
    onReject: _onReject,
    securityScheme: _securityScheme,
    ...rest
  } = options
  return Object.keys(rest).length === 0 ? optionsFromEnv(process.env) : (rest as AuthenticatorOptions)
}

async function authenticate(
  authenticator: Authenticator,
  request: FastifyRequest,
  requirement: Requirement | undefined,
): Promise<Refused | undefined> {
  // Nothing that another gate said outlives a refusal by this one.
  request.auth = null
  const outcome = await authenticator.authenticate(requestView(request), requirement)
  if (outcome.kind === 'refused') return outcome
  request.auth = outcome.kind === 'anonymous' ? null : (outcome.token as NonNullable<typeof request.auth>)
  return undefined
}
