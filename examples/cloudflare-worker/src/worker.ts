export type { Bindings, ExecutionContext, KeyValueNamespace } from './bindings.ts'
import type { SharedOptions } from '@claimgate/core'
import type { Bindings, ExecutionContext } from './bindings.ts'
import { createService, type Service } from './service.ts'

/** A module worker. */
export interface Worker {
  fetch(request: Request, env: Bindings, context: ExecutionContext): Promise<Response>
}

/**
 * Creates the worker. Its service, with the verifier and the keys, is created at the first request, because bindings are not available
 * earlier. It is kept for the life of the isolate.
 *
 * @param overrides options that have no binding, such as the clock of a test
 */
export function createWorker(overrides: SharedOptions = {}): Worker {
  const services = new WeakMap<Bindings, Service>()

  const serviceOf = (env: Bindings): Service => {
    const made = services.get(env) ?? createService(env, overrides)
    services.set(env, made)
    return made
  }

  return {
    fetch: async (request, env, context) => {
      const { answer, background } = serviceOf(env)
      try {
        return await answer(request)
      } finally {
        if (background.isUnderWay()) context.waitUntil(background.ended())
      }
    },
  }
}
