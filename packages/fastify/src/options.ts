import type { Refused } from '@claimgate/core'
import { type AdapterOptions, asError, bare, misconfigured, own, refusedError } from '@claimgate/core/extend'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/**
 * Answers a refused request in place of the default: sends a reply, returns a body for the refusal's status and headers, throws, or returns
 * the reply to answer later. Otherwise the default is sent. The request goes no further in any case.
 */
export type OnReject = (refusal: Refused, request: FastifyRequest, reply: FastifyReply) => unknown

/** Answers a refused request, unless it has been answered already. Never throws; `fail` takes an error to Fastify's error handler. */
type Answer = (refusal: Refused, request: FastifyRequest, reply: FastifyReply, fail: Fail) => void

/** Takes an error, or what was thrown in the place of one, to Fastify's error handler. */
type Fail = (thrown: unknown) => void

/** How a hook fails. A second answer while the first one waits in a hook could end the process, so an error that comes late is logged. */
export function failWith(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): Fail {
  return (thrown) => {
    const error = asError(thrown)
    if (isAnswered(request, reply)) return logFailure(reply, error, 'The hook failed after the request was answered')
    // An error handler that forgets the status must not answer 200.
    if (reply.statusCode < 400) reply.code(500)
    return done(error)
  }
}

/**
 * How to answer refused requests.
 *
 * Never waits for a reply: `await reply` also ends when the client closes the connection early, and then Fastify would go on to the handler
 * while the answer still waits in an `onSend` hook.
 */
export function answerWith(onReject: OnReject | undefined): Answer {
  if (onReject === undefined)
    return (refusal, request, reply, fail) => {
      if (!isAnswered(request, reply) && !isGone(reply)) sendRefusal(refusal, undefined, reply, fail)
    }
  return (refusal, request, reply, fail) => {
    if (isAnswered(request, reply)) return
    const hasBegun = watchAnswers(reply)
    const isOver = (): boolean => hasBegun() || isAnswered(request, reply)
    const finished = (body: unknown): void => {
      // When the client has gone, a promise of the reply gives nothing, while the answer of onReject may still come.
      if (isOver() || (body === undefined && isGone(reply))) return
      sendRefusal(refusal, body, reply, fail)
    }
    const failed = (thrown: unknown): void => {
      // The message of the refusal's own error is not for the caller.
      const error = thrown === refusal.error ? refusedError(refusal) : asError(thrown)
      if (hasBegun()) return logFailure(reply, error, 'onReject failed after it had answered')
      // Begun past Fastify, or taken from it, so that nothing else would end it.
      const isOpen = (reply.raw.headersSent || reply.sent) && !reply.raw.writableEnded && !hasTimedOut(request)
      fail(error)
      if (isOpen) reply.raw.destroy()
    }
    try {
      const answer = onReject(refusal, request, reply)
      // To wait for a reply is to wait until it has been sent, so this one is never waited for.
      if (answer !== reply) Promise.resolve(answer).then(finished, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }
}

// The log is the application's as well, and its failure has nowhere to go.
function logFailure({ log }: FastifyReply, err: Error, message: string): void {
  try {
    log.error({ err }, message)
  } catch {
    // The request has been answered.
  }
}

function sendRefusal(refusal: Refused, body: unknown, reply: FastifyReply, fail: Fail): void {
  try {
    if (body === undefined) sendResponse(refusal, reply)
    else sendBody(body, refusal, reply)
  } catch (thrown) {
    fail(thrown)
  }
}

// The response of the core as it is. As bytes, because Fastify adds a charset to the content type of text.
function sendResponse({ response: { status, headers, body } }: Refused, reply: FastifyReply): void {
  reply.code(status).headers(headers).send(Buffer.from(body))
}

// What has been set on the reply stays.
function sendBody(body: unknown, refusal: Refused, reply: FastifyReply): void {
  const { status, headers } = refusedError(refusal)
  if (reply.statusCode === 200) reply.code(status)
  for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value)
  reply.send(body)
}

// `reply.sent` tells only when the hooks of the scope have seen the answer.
function watchAnswers(reply: FastifyReply): () => boolean {
  const { send, callNotFound } = reply
  let begun = false
  reply.send = (payload?: unknown) => {
    const before = begun
    begun = true
    try {
      return send.call(reply, payload)
    } catch (error) {
      // A header that Node refuses, for example: nothing has been sent.
      begun = before
      throw error
    }
  }
  reply.callNotFound = () => {
    begun = true
    return callNotFound.call(reply)
  }
  return () => begun
}

function isAnswered(request: FastifyRequest, reply: FastifyReply): boolean {
  return reply.sent || reply.raw.headersSent || hasTimedOut(request)
}

// The answer that Fastify gives after `handlerTimeout` may still wait in a hook. Without that option, asking for the signal would make one.
function hasTimedOut(request: FastifyRequest): boolean {
  if (!(request.routeOptions.handlerTimeout > 0)) return false
  const reason: unknown = request.signal.reason
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === 'FST_ERR_HANDLER_TIMEOUT'
}

function isGone({ raw }: FastifyReply): boolean {
  // The response of HTTP/2 tells by its stream.
  const stream = own(raw as { readonly stream?: { readonly destroyed: boolean } }, 'stream')
  return raw.destroyed || stream?.destroyed === true
}

/** How to verify tokens, and which routes to protect. Where nothing says how to verify, `optionsFromEnv(process.env)` does. */
export type ClaimgateOptions = ScopeOptions & AdapterOptions

/** Which routes to protect, and how to answer refused requests. */
export interface ScopeOptions {
  /** `false` protects only routes that ask: by `config.auth`, or with the hook of `fastify.authenticateJwt()`. @defaultValue true */
  readonly global?: boolean | undefined
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
  /**
   * Name of the OpenAPI security scheme put into the schemas of protected routes, as the options of `@fastify/swagger` declare it; where
   * they do not, the document shows no security. `false` leaves schemas alone. @defaultValue 'bearerAuth'
   */
  readonly securityScheme?: string | false | undefined
  /**
   * In a scope with a prefix, `protect` makes unknown routes answer as protected ones do, with a not-found handler; say `own` where
   * the scope sets one itself, which is protected as well. @defaultValue 'protect'
   */
  readonly notFound?: 'protect' | 'own' | undefined
}

/** What fails where an option is wrong. */
export const ACTION = 'register claimgate'

/** The names `ScopeOptions` may have. */
export const SCOPE_OPTIONS: readonly string[] = ['global', 'onReject', 'securityScheme', 'notFound']

/** `ScopeOptions` with their defaults. */
type ResolvedScopeOptions = Pick<ScopeOptions, 'onReject'> & {
  readonly [name in Exclude<keyof ScopeOptions, 'onReject'>]-?: Exclude<ScopeOptions[name], undefined>
}

/**
 * Fills in the defaults. A string such as 'false' from an environment variable must neither open nor protect anything by accident.
 *
 * @throws TypeError
 */
export function resolveScopeOptions(options: ScopeOptions): ResolvedScopeOptions {
  const { global = true, onReject, securityScheme = 'bearerAuth', notFound = 'protect' } = options
  if (typeof global !== 'boolean') throw misconfigured(ACTION, '"global" must be true or false', global)
  if (onReject !== undefined && typeof onReject !== 'function')
    throw misconfigured(ACTION, '"onReject" must be a function', onReject)
  if (securityScheme !== false && (typeof securityScheme !== 'string' || securityScheme === ''))
    throw misconfigured(
      ACTION,
      '"securityScheme" must be the name of an OpenAPI security scheme, or false',
      securityScheme,
    )
  if (!['protect', 'own'].includes(notFound))
    throw misconfigured(ACTION, '"notFound" must be "protect" or "own"', notFound)
  return bare({ global, securityScheme, notFound, ...(onReject === undefined ? {} : { onReject }) })
}
