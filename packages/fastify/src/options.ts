import type { HttpOptions, Refused } from '@claimgate/core'
import {
  type AdapterOptions,
  asError,
  callback,
  type Filled,
  flag,
  ignoreRejection,
  logOption,
  oneOf,
  type OptionTable,
  own,
  propertyOption,
  readAdapterOptions,
  type ReadAdapterOptions,
  refusedError,
} from '@claimgate/core/adapter'
import { optionsFromEnv } from '@claimgate/core/providers'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/**
 * Replaces the default response to a refused request: it sends a reply, returns a body that is sent with the refusal's status and
 * headers, throws, or returns the reply to respond later. Otherwise the default response is sent. The request never reaches the
 * handler.
 */
export type OnReject = (refusal: Refused, request: FastifyRequest, reply: FastifyReply) => unknown

/** Answers a refused request, unless it is already answered. Never throws; `fail` passes an error to Fastify's error handler. */
type Answer = (refusal: Refused, request: FastifyRequest, reply: FastifyReply, fail: Fail) => void

/** Passes an error, or any other thrown value, to Fastify's error handler. */
type Fail = (thrown: unknown) => void

/** Creates the `Fail` of a hook. A second reply while the first is pending could crash the process, so late errors are only logged. */
export function failWith(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): Fail {
  return (thrown) => {
    const error = asError(thrown)
    if (isAnswered(request, reply)) return logFailure(reply, error, 'The hook failed after the request was answered')
    // Otherwise an error handler that sets no status would respond with 200.
    if (reply.statusCode < 400) reply.code(500)
    return done(error)
  }
}

/**
 * Creates the function that answers refused requests.
 *
 * It never awaits a reply: `await reply` also ends when the client disconnects early. Fastify would then run the handler while the
 * reply is still pending in an `onSend` hook.
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
      // After a disconnect, awaiting the reply yields undefined although onReject may still respond.
      if (isOver() || (body === undefined && isGone(reply))) return
      sendRefusal(refusal, body, reply, fail)
    }
    const failed = (thrown: unknown): void => {
      // The message of the AuthError must not reach the client.
      const error = thrown === refusal.error ? refusedError(refusal) : asError(thrown)
      if (hasBegun()) return logFailure(reply, error, 'onReject failed after it had answered')
      // Written to the raw response, or hijacked: Fastify will not end it.
      const isOpen = (reply.raw.headersSent || reply.sent) && !reply.raw.writableEnded && !hasTimedOut(request)
      fail(error)
      if (isOpen) reply.raw.destroy()
    }
    try {
      const answer = onReject(refusal, request, reply)
      // Awaiting a reply waits until it is sent, so a returned reply is not awaited.
      if (answer !== reply) Promise.resolve(answer).then(finished, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }
}

// The application's logger may throw, and there is no place left to report that.
function logFailure({ log }: FastifyReply, err: Error, message: string): void {
  try {
    ignoreRejection(log.error({ err }, message))
  } catch {
    // The request is already answered.
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

// Sends the core's response unchanged. As bytes, because Fastify adds a charset to the content type of text.
function sendResponse({ response: { status, headers, body } }: Refused, reply: FastifyReply): void {
  reply.code(status).headers(headers).send(Buffer.from(body))
}

// Keeps a status and headers that are already set on the reply.
function sendBody(body: unknown, refusal: Refused, reply: FastifyReply): void {
  const { status, headers } = refusedError(refusal)
  if (reply.statusCode === 200) reply.code(status)
  for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value)
  reply.send(body)
}

// `reply.sent` becomes true only after the hooks of the scope have run.
function watchAnswers(reply: FastifyReply): () => boolean {
  const { send, callNotFound } = reply
  let begun = false
  reply.send = (payload?: unknown) => {
    const before = begun
    begun = true
    try {
      return send.call(reply, payload)
    } catch (error) {
      // Nothing was sent, for example because Node rejected a header.
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

// Fastify's response after `handlerTimeout` may still be pending in a hook. Without that option, reading the signal would create one.
function hasTimedOut(request: FastifyRequest): boolean {
  if (!(request.routeOptions.handlerTimeout > 0)) return false
  const reason: unknown = request.signal.reason
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === 'FST_ERR_HANDLER_TIMEOUT'
}

function isGone({ raw }: FastifyReply): boolean {
  // For HTTP/2, only the stream shows it.
  const stream = own(raw as { readonly stream?: { readonly destroyed: boolean } }, 'stream')
  return raw.destroyed || stream?.destroyed === true
}

/**
 * How to verify tokens, and which routes to protect. If the options do not say how to verify tokens, `optionsFromEnv(process.env)` is
 * used.
 */
export type ClaimgateOptions = ScopeOptions & AdapterOptions

/** Which routes to protect, and how to answer refused requests. */
export interface ScopeOptions {
  /** `false` protects only routes with `config.auth` or a hook of `fastify.authenticateJwt()`. @defaultValue true */
  readonly global?: boolean | undefined
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
  /**
   * The name of the OpenAPI security scheme to add to the schemas of protected routes. With DPoP, `dpopAuth` is added, too. Declare the
   * schemes in the options of `@fastify/swagger`, otherwise the document does not show them. `false` does not change schemas.
   * @defaultValue 'bearerAuth'
   */
  readonly securityScheme?: string | false | undefined
  /**
   * In a scope with a prefix, `protect` sets a not-found handler, so that unknown routes respond like protected ones. Use `own` if the
   * scope sets its own not-found handler; that is protected too. @defaultValue 'protect'
   */
  readonly notFound?: 'protect' | 'own' | undefined
  /**
   * A property of the request besides `request.auth`, such as `user`: it gets what `onAuthenticated` returned, or without that option the
   * verified token. `null` for anonymous requests. Later hooks can overwrite it, so nothing of Claimgate reads it. @defaultValue `user` with
   * `onAuthenticated`, else none
   */
  readonly property?: string
}

/** The action named in messages about wrong options. */
export const ACTION = 'register claimgate'

/** The options of the plugin. A string such as 'false' from an environment variable must not change protection by accident. */
export const SCOPE: OptionTable<ScopeOptions & Pick<HttpOptions, 'log'>> = {
  global: { ...flag, default: true },
  onReject: callback,
  securityScheme: {
    be: 'the name of an OpenAPI security scheme, or false',
    fits: (value) => value === false || (typeof value === 'string' && value !== ''),
    default: 'bearerAuth',
  },
  notFound: { ...oneOf('protect', 'own'), default: 'protect' },
  property: propertyOption,
  log: logOption,
}

/** The checked options of a scope, and their authenticator, which logs nothing itself. */
export type ReadScopeOptions = ReadAdapterOptions<
  object,
  Filled<ScopeOptions, 'global' | 'securityScheme' | 'notFound'> & Pick<HttpOptions, 'log'>
>

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError
 */
export function resolveOptions(given: ClaimgateOptions): ReadScopeOptions {
  return readAdapterOptions(given, {
    action: ACTION,
    table: SCOPE,
    environment: process.env,
    readProvider: optionsFromEnv,
  })
}
