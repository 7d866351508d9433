import { claim, optionsFromEnv, scope, type SharedOptions, type SingleIssuerOptions } from '@claimgate/core'
import { createGate } from '@claimgate/fetch'
import { type BackgroundWork, createBackgroundWork } from './background-work.ts'
import type { Bindings } from './bindings.ts'
import { kvJwkSetStore } from './kv-jwk-set-store.ts'

/** The state that an isolate keeps between requests. */
export interface Service {
  readonly answer: (request: Request) => Promise<Response>
  readonly background: BackgroundWork
}

/**
 * Creates the state that depends only on the bindings.
 *
 * @throws TypeError that names a missing or wrong variable
 */
export function createService(env: Bindings, overrides: SharedOptions = {}): Service {
  const background = createBackgroundWork()
  const gate = createGate(verifierOptions(env, background, overrides))

  const answer = async (request: Request): Promise<Response> => {
    switch (routeOf(request)) {
      case 'GET /health':
        return Response.json({ status: 'ok' })
      case 'GET /api/v1/protected': {
        const auth = await gate(request)
        if (auth instanceof Response) return auth
        return Response.json({ caller: auth.claims.sub, role: auth.claims['role'], scopes: [...auth.scopes] })
      }
      case 'POST /api/v1/orders': {
        const auth = await gate(request, scope('orders:write'))
        if (auth instanceof Response) return auth
        return Response.json({ orderedBy: auth.claims.sub }, { status: 201 })
      }
      case 'DELETE /api/v1/orders/:id': {
        const auth = await gate(request, claim('role', 'writer'))
        return auth instanceof Response ? auth : new Response(null, { status: 204 })
      }
      default: {
        // Also behind the gate, so that clients without a token cannot find out which routes exist.
        const auth = await gate(request)
        return auth instanceof Response ? auth : Response.json({ error: 'There is no such route.' }, { status: 404 })
      }
    }
  }

  return { answer, background }
}

function routeOf({ method, url }: Request): string {
  const path = new URL(url).pathname.replace(/^\/api\/v1\/orders\/[^/]+$/, '/api/v1/orders/:id')
  return `${method} ${path}`
}

function verifierOptions(env: Bindings, background: BackgroundWork, overrides: SharedOptions): SingleIssuerOptions {
  const { KEYS, ...variables } = env
  return {
    ...optionsFromEnv(variables),
    ...overrides,
    keySet: {
      waitUntil: background.begun,
      ...(KEYS !== undefined && { store: kvJwkSetStore(KEYS) }),
      ...overrides.keySet,
    },
  }
}
