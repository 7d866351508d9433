import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

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
export function hold(request: FastifyRequest): void {
  const held = (request as HeldRequest)[HOLD]
  if (held) held.closed += 1
  else (request as HeldRequest)[HOLD] = { closed: 1, unknown: request.is404, goOn: undefined }
}

/** Gives what to call to go on, in place of the hook's own `done`, where Fastify has been kept from the handler. */
export function release(request: FastifyRequest): (() => void) | undefined {
  const held = (request as HeldRequest)[HOLD]
  if (!held) return undefined
  held.closed -= 1
  return held.closed === 0 ? held.goOn : undefined
}

/** Releases a request, unless its error becomes the answer at once: another way to authenticate may let it through. */
export function releaseUnlessSent(request: FastifyRequest, reply: FastifyReply, error: Error): void {
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
