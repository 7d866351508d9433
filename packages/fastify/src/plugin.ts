import { ADAPTER_OPTIONS, misconfigured, own, ownOptions } from '@claimgate/core/extend'
import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { type AnsweringHook, createGate, type Gate, HOLD, holdBack } from './gate.ts'
import {
  type DescribedRoute,
  describeSecurity,
  hookRule,
  passedUncalled,
  type RouteRule,
  routeRule,
  spareDocuments,
} from './openapi.ts'
import { ACTION, type ClaimgateOptions, SCOPE_OPTIONS } from './options.ts'

/**
 * Protects every route of the scope it is registered in, and of the scopes within that one.
 *
 * A route opens with `config: { auth: false }` and narrows with `config: { auth: scope('orders:read') }`. Of scopes within scopes,
 * each with a registration of its own, the innermost decides about its routes. Unknown paths answer as protected ones do.
 *
 * It sees no routes outside of its scope: registered inside a plugin that `fastify-plugin` is not around, it leaves the routes beside that
 * plugin open, whatever their `config.auth` says.
 */
export const claimgate: FastifyPluginAsync<ClaimgateOptions> = fp(
  async (fastify: FastifyInstance, given: ClaimgateOptions) => {
    if (Object.hasOwn(fastify, GATE)) throw misconfigured(ACTION, REGISTERED_TWICE)
    const options = ownOptions(given, [...SCOPE_OPTIONS, ...ADAPTER_OPTIONS])
    const gate = createGate(options)
    const security = { scheme: gate.securityScheme, anonymous: options.optional === true }
    // Fastify copies a `config` of `Object.prototype` into routes, where it looks as if the application had written it. Routes declared after
    // this plugin are cleaned; for those before it, nothing tells the two apart.
    const polluted = Object.hasOwn(Object.prototype, 'config')
    const ruleOf = (config: object): RouteRule => {
      const rule = routeRule(config)
      if (typeof rule !== 'boolean') return rule
      // The handler for unknown paths is no route of the application's, and has no URL.
      if (!Object.hasOwn(config, 'url')) return undefined
      return polluted && !Object.hasOwn(config, SEEN) ? rule || undefined : rule
    }
    const named = new Map<unknown, NamedHook>()
    const described: DescribedRoute[] = []

    fastify.decorate(GATE, gate)
    if (!fastify.hasRequestDecorator('auth')) fastify.decorateRequest('auth', null)
    if (!fastify.hasRequestDecorator(HOLD)) fastify.decorateRequest(HOLD, null)
    const authenticateJwt: FastifyInstance['authenticateJwt'] = (...args) => {
      const rule = hookRule(args)
      const hook = gate.throwing(rule)
      named.set(hook, { answering: gate.answering(rule), rule })
      return hook
    }
    fastify.decorate('authenticateJwt', authenticateJwt)

    const protect: AnsweringHook = (request, reply, done) => {
      const rule = ruleOf(request.routeOptions.config)
      if (gateFor(request.server, rule) !== gate) return done()
      return gate.answering(typeof rule === 'object' ? rule : undefined)(request, reply, done)
    }
    fastify.addHook(gate.stage, protect)
    fastify.addHook('preHandler', holdBack)

    fastify.addHook('onRoute', function (route) {
      if (hooksOf(route).includes(authenticateJwt)) throw passedUncalled()
      // Fastify would take that of a polluted `Object.prototype`, and leave out getters of a class.
      const config = own(route, 'config') ?? {}
      const rule = routeRule(config)
      const isGetter = rule !== undefined && !Object.hasOwn(config, 'auth')
      if (isGetter || polluted || !Object.hasOwn(route, 'config'))
        route.config = { ...config, ...(isGetter && { auth: rule }), ...(polluted && { [SEEN]: true }) }
      const rules = [...(gateFor(this, rule) === gate ? [rule] : []), ...answerDirectly(route, named)]
      for (const one of rules) {
        const description = describeSecurity(route, one, security)
        if (description !== undefined) described.push({ scope: this, description })
      }
    })
    fastify.addHook('onReady', (done) => {
      spareDocuments(fastify, described)
      done()
    })

    if (gate.protects === 'every route' && gate.notFound === 'protect') protectNotFound(fastify)
  },
  { name: '@claimgate/fastify', fastify: '5.x' },
)

const GATE: unique symbol = Symbol('claimgate')
const SEEN: unique symbol = Symbol('claimgate.seen')

const REGISTERED_TWICE =
  'this scope has it already. Register it once, and put routes that need other options into a scope of their own: ' +
  'app.register(async (scope) => { await scope.register(claimgate, options) })'

interface NamedHook {
  readonly answering: AnsweringHook
  readonly rule: RouteRule
}

/**
 * The gate that decides about a route of a scope: the innermost one, except that one which protects nothing by itself lifts no
 * protection. Looked up at the request, for a gate further out may have been registered later.
 */
function gateFor(scope: unknown, rule: RouteRule): Gate | undefined {
  if (rule === false || typeof scope !== 'object' || scope === null) return undefined
  const gate = Object.hasOwn(scope, GATE) ? (scope as { readonly [GATE]: Gate })[GATE] : undefined
  if (gate !== undefined && (rule !== undefined || gate.protects === 'every route')) return gate
  return gateFor(Object.getPrototypeOf(scope), rule)
}

/** A hook that stands on the route itself answers; inside `fastify.auth([…])` it leaves that to @fastify/auth. */
function answerDirectly(route: RouteOptions, named: ReadonlyMap<unknown, NamedHook>): readonly RouteRule[] {
  const found: RouteRule[] = []
  for (const name of ANSWERING_STAGES) {
    const hooks: readonly unknown[] = [own(route, name) ?? []].flat()
    const replaced = hooks.map((hook) => {
      const mine = named.get(hook)
      if (mine !== undefined) found.push(mine.rule)
      return mine?.answering ?? hook
    })
    // After those of the scope, where a hook of `fastify.authenticateJwt()` may stand.
    if (name === 'preHandler' && !replaced.includes(holdBack)) replaced.push(holdBack)
    if (replaced.length > 0) Object.assign(route, { [name]: replaced })
  }
  return found
}

const ANSWERING_STAGES = ['onRequest', 'preValidation', 'preHandler'] as const

function hooksOf(route: RouteOptions): readonly unknown[] {
  return (['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const).flatMap((name) => own(route, name))
}

const done = new WeakMap<object, Set<string>>()

/**
 * Lets unknown paths under the prefix of a scope run the hooks of the scope, so that an answer does not tell which routes exist.
 * Without a prefix they run the hooks of the root already.
 */
function protectNotFound(fastify: FastifyInstance): void {
  const prefixes = done.get(fastify.server) ?? new Set<string>()
  done.set(fastify.server, prefixes)
  if (fastify.prefix === '' || prefixes.has(fastify.prefix)) return
  prefixes.add(fastify.prefix)
  // Fastify's own handler, which its types do not know to be the default.
  const setDefault = fastify.setNotFoundHandler.bind(fastify) as unknown as () => void
  try {
    setDefault()
  } catch {
    // The scope has a handler of its own, and that runs the hooks as well.
  }
}
