import { AuthError, type VerifierEvent } from '@claimgate/core'
import {
  clientSecretBasic,
  createIntrospectionVerifier,
  type IntrospectionOptions,
} from '@claimgate/core/introspection'
import { type ManualClock, manualClock } from '../core/manual-clock.ts'
import { active, AUDIENCE } from './server.ts'

export const ISSUER = 'https://auth.example.com'

interface Endpoint {
  readonly tokens: string[]
  reply: (token: string) => Response | Promise<Response>
  mostAtOnce: number
}

/** A verifier on a clock that stands still, and its endpoint, without a network. */
export function setUp(more: Partial<IntrospectionOptions> = {}, clock: ManualClock = manualClock()) {
  const now = (): number => clock.now() / 1000
  let open = 0
  const endpoint: Endpoint = {
    tokens: [],
    mostAtOnce: 0,
    reply: (token) =>
      Response.json(token.startsWith('good') ? active(ISSUER, { exp: now() + 600 }) : { active: false }),
  }
  const events: VerifierEvent[] = []
  const verifier = createIntrospectionVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    client: clientSecretBasic('api', 'secret'),
    endpoint: `${ISSUER}/introspect`,
    clock,
    onEvent: (event) => events.push(event),
    fetch: async (_url, { body = '' }) => {
      const token = new URLSearchParams(body).get('token') ?? ''
      endpoint.tokens.push(token)
      open += 1
      endpoint.mostAtOnce = Math.max(endpoint.mostAtOnce, open)
      try {
        return await endpoint.reply(token)
      } finally {
        open -= 1
      }
    },
    ...more,
  })
  const outcome = async (token: string): Promise<string> => {
    try {
      await verifier.verify(token)
      return '200'
    } catch (error) {
      if (error instanceof AuthError) return `${error.status} ${error.code}`
      throw error
    }
  }
  return { clock, now, endpoint, events, verifier, outcome }
}

/** Passes time until a promise settles. */
export async function settledIn<T>(clock: ReturnType<typeof manualClock>, promise: Promise<T>): Promise<T> {
  const state = { isSettled: false }
  const end = (): void => {
    state.isSettled = true
  }
  promise.then(end, end)
  while (!state.isSettled) {
    // Hashes are made in real time.
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
    await clock.pass(0.05)
  }
  return promise
}
