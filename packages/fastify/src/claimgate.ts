import type { FastifyInstance, FastifyPluginAsync, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { ClaimgateOptions } from './claimgate-options.ts'
import { describeSecurity } from './describe-security.ts'
import { type AuthenticateHook, createGate, type Gate } from './gate.ts'
import { protectNotFound } from './protect-not-found.ts'
import { hookRule, type RouteRule, routeRule } from './route-rule.ts'

/**
 * Protects every route of the scope it is registered in, and of the scopes registered in that one afterwards.
 *
 * A route opens with `config: { auth: false }` and narrows with `config: { auth: scope('orders:read') }`. Of scopes within scopes,
 * each with a registration of its own, the innermost decides about its routes. Unknown paths answer as protected ones do.
 */
export const claimgate: FastifyPluginAsync<ClaimgateOptions> = fp(
  async (fastify: FastifyInstance, options: ClaimgateOptions) => {
    const gate = createGate(options, gateOf(fastify))
    const security = { scheme: gate.securityScheme, anonymous: options.optional === true }
    const named = new Map<unknown, NamedHook>()

    fastify.decorate(GATE, gate)
    if (!fastify.hasRequestDecorator('auth')) fastify.decorateRequest('auth', null)
    fastify.decorate('authenticateJwt', (requirement) => {
      const rule = hookRule(requirement)
      const hook = gate.throwing(rule)
      named.set(hook, { answering: gate.answering(rule), rule })
      return hook
    })

    for (const stage of ['onRequest', 'preValidation'] as const) {
      fastify.addHook(stage, async (request, reply) => {
        const rule = routeRule(request.routeOptions.config.auth)
        const decider = gateFor(request.server, rule)
        // Whichever gate's hook comes first lets the one that decides do so, for the hooks of that one may not run: Fastify gives a
        // scope only the hooks that were there before it.
        if (decider?.stage !== stage || decided.has(request)) return undefined
        decided.add(request)
        return decider.answering(typeof rule === 'object' ? rule : undefined)(request, reply)
      })
    }

    fastify.addHook('onRoute', function (route) {
      const rule = routeRule(route.config?.auth)
      if (gateFor(this, rule) === gate) describeSecurity(route, rule, security)
      for (const { rule: own } of answerDirectly(route, named)) describeSecurity(route, own, security)
    })

    if (gate.protects === 'every route' && gate.notFound === 'protect') protectNotFound(fastify)
  },
  { name: '@claimgate/fastify', fastify: '5.x' },
)

const GATE = Symbol('claimgate')

const decided = new WeakSet<FastifyRequest>()

interface NamedHook {
  readonly answering: AuthenticateHook
  readonly rule: RouteRule
}

function gateOf(fastify: FastifyInstance): Gate | undefined {
  return fastify.hasDecorator(GATE) ? fastify.getDecorator<Gate>(GATE) : undefined
}

/** The gate that decides about a route: the innermost one, except that one which protects nothing by itself lifts no protection. */
function gateFor(fastify: FastifyInstance, rule: RouteRule): Gate | undefined {
  if (rule === false) return undefined
  const innermost = gateOf(fastify)
  return rule === undefined ? nearestGlobal(innermost) : innermost
}

function nearestGlobal(gate: Gate | undefined): Gate | undefined {
  return gate?.protects === 'routes that ask' ? nearestGlobal(gate.outer) : gate
}

/** A hook that stands on the route itself answers; inside `fastify.auth([…])` it leaves that to @fastify/auth. */
function answerDirectly(route: RouteOptions, named: ReadonlyMap<unknown, NamedHook>): readonly NamedHook[] {
  const found: NamedHook[] = []
  for (const name of ['onRequest', 'preValidation', 'preHandler'] as const) {
    const hooks: readonly unknown[] = [route[name] ?? []].flat()
    const replaced = hooks.map((hook) => {
      const own = named.get(hook)
      if (own !== undefined) found.push(own)
      return own?.answering ?? hook
    })
    if (replaced.length > 0) Object.assign(route, { [name]: replaced })
  }
  return found
}
