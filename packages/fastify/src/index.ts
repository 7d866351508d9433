import type { Claims, VerifiedToken, Verifier } from '@claimgate/core'
import { assertCanAsk, misconfigured, own } from '@claimgate/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import {
  type AnsweringHook,
  type AuthenticateHook,
  createGate,
  type Gate,
  HOLD,
  holdBack,
  type RouteRequirement,
} from './gate.ts'
import {
  type DescribedRoute,
  describeSecurity,
  hookRule,
  passedUncalled,
  type RouteRule,
  routeRule,
  guardDocuments,
  securitySchemes,
} from './openapi.ts'
import { ACTION, type ClaimgateOptions } from './options.ts'
import { serveMetadata } from './endpoints.ts'

// Fastify loaders such as @fastify/autoload, and many Fastify users, expect a default export.
// oxlint-disable-next-line import/no-default-export
export { claimgate as default }
export type { ClaimgateOptions, OnReject, ScopeOptions } from './options.ts'
export type { AuthenticateHook, RouteRequirement } from './gate.ts'
export { backchannelLogout, resourceMetadata, securityEvents } from './endpoints.ts'

/**
 * The claims of `request.auth`. Merge your application's claims into it:
 * `declare module '@claimgate/fastify' { interface AuthClaims { tenant: string } }`.
 */
export interface AuthClaims extends Claims {}

/** Creates hooks. See `fastify.authenticateJwt`. */
export interface AuthenticateJwt {
  (requirement?: RouteRequirement): AuthenticateHook
  /** The verifier of this registration, for `ready()` at start-up. */
  readonly verifier: Verifier
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified token; `null` for anonymous requests and on open routes. */
    auth: VerifiedToken<AuthClaims> | null
  }

  interface FastifyInstance {
    /**
     * Creates a hook that admits only requests whose token meets the requirement, or the requirement that a function returns. Use it as
     * `onRequest` of a route, or in `fastify.auth([…])` of `@fastify/auth`. If the token may be in a form body, use it as `preValidation`.
     *
     * @throws TypeError for anything but a requirement
     */
    authenticateJwt: AuthenticateJwt
  }

  interface FastifyContextConfig {
    /**
     * `false` opens the route, `true` requires a token. A requirement restricts it, as does a function that returns the requirement of a
     * request. Ignored on routes outside the scopes in which `claimgate` is registered. @defaultValue the setting of the scope
     */
    auth?: boolean | RouteRequirement
  }
}

/**
 * Protects every route of the scope it is registered in, and of nested scopes.
 *
 * Open a route with `config: { auth: false }`, or restrict it with `config: { auth: scope('orders:read') }`. If nested scopes each
 * register the plugin, the innermost registration applies. Unknown paths respond like protected ones. With the option `resource`, it serves
 * the metadata of the resource to everyone.
 *
 * It does not protect routes outside its scope. If you register it inside a plugin that is not wrapped in `fastify-plugin`, routes
 * outside that plugin stay open, and their `config.auth` is ignored.
 */
export const claimgate: FastifyPluginAsync<ClaimgateOptions> = fp(
  async (fastify: FastifyInstance, given: ClaimgateOptions) => {
    if (Object.hasOwn(fastify, GATE)) throw misconfigured(ACTION, REGISTERED_TWICE)
    const gate = createGate(given)
    const security = {
      schemes: securitySchemes(gate.securityScheme, gate.schemes),
      anonymous: gate.admits === 'anonymous requests too',
    }
    // If `Object.prototype.config` is polluted, Fastify copies it into routes as if the application had written it. Routes declared
    // after this plugin are cleaned. For earlier routes the two cannot be distinguished.
    const polluted = Object.hasOwn(Object.prototype, 'config')
    const ruleOf = (config: object): RouteRule => {
      const rule = routeRule(config)
      if (typeof rule !== 'boolean') return rule
      // The not-found handler is not a route of the application, and has no URL.
      if (!Object.hasOwn(config, 'url')) return undefined
      return polluted && !Object.hasOwn(config, SEEN) ? rule || undefined : rule
    }
    const named = new Map<unknown, NamedHook>()
    const described: DescribedRoute[] = []

    fastify.decorate(GATE, gate)
    if (!fastify.hasRequestDecorator('auth')) fastify.decorateRequest('auth', null)
    if (gate.property !== undefined) decorateProperty(fastify, gate.property)
    if (!fastify.hasRequestDecorator(HOLD)) fastify.decorateRequest(HOLD, null)
    const assertRule = (rule: RouteRule): void => {
      if (typeof rule === 'object') assertCanAsk('protect route', rule, gate.verifier)
    }
    const createHook = (...args: readonly [requirement?: RouteRequirement]): AuthenticateHook => {
      const rule = hookRule(args)
      assertRule(rule)
      const hook = gate.throwing(rule)
      named.set(hook, { answering: gate.answering(rule), rule })
      return hook
    }
    const authenticateJwt = Object.assign(createHook, { verifier: gate.verifier })
    fastify.decorate('authenticateJwt', authenticateJwt)

    const protect: AnsweringHook = (request, reply, done) => {
      const rule = ruleOf(request.routeOptions.config)
      if (gateFor(request.server, rule) !== gate) return done()
      return gate.answering(typeof rule === 'boolean' ? undefined : rule)(request, reply, done)
    }
    fastify.addHook(gate.stage, protect)
    fastify.addHook('preHandler', holdBack)

    fastify.addHook('onRoute', function (route) {
      if (hooksOf(route).includes(authenticateJwt)) throw passedUncalled()
      // Fastify would read a polluted `Object.prototype`, and skip getters of a class.
      const config = own(route, 'config') ?? {}
      const rule = routeRule(config)
      const isGetter = rule !== undefined && !Object.hasOwn(config, 'auth')
      if (isGetter || polluted || !Object.hasOwn(route, 'config'))
        route.config = { ...config, ...(isGetter && { auth: rule }), ...(polluted && { [SEEN]: true }) }
      const applies = gateFor(this, rule) === gate
      if (applies) assertRule(rule)
      const rules = [...(applies ? [rule] : []), ...answerDirectly(route, named)]
      for (const one of rules) {
        if (typeof one === 'object') gate.resource?.learn({ scopes: one.scopes })
        for (const description of describeSecurity(route, one, security)) described.push({ scope: this, description })
      }
    })
    fastify.addHook('onReady', (done) => {
      guardDocuments(fastify, described)
      done()
    })

    if (gate.resource !== undefined) serveMetadata(fastify, gate.resource)
    if (gate.protects === 'every route' && gate.notFound === 'protect') protectNotFound(fastify)
  },
  { name: '@claimgate/fastify', fastify: '5.x' },
)

const decorated = new WeakMap<object, Set<string>>()

/** @throws TypeError if another plugin already has a property of that name on requests */
function decorateProperty(fastify: FastifyInstance, name: string): void {
  const mine = decorated.get(fastify.server) ?? new Set<string>()
  decorated.set(fastify.server, mine)
  if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name, null)
  else if (!mine.has(name))
    throw misconfigured(
      ACTION,
      'another plugin has added this property to requests: give "property" another name',
      name,
    )
  mine.add(name)
}

const GATE: unique symbol = Symbol('claimgate')
const SEEN: unique symbol = Symbol('claimgate.seen')

const REGISTERED_TWICE =
  'this scope has it already. Register it once, and put routes that need other options into a nested scope: ' +
  'app.register(async (scope) => { await scope.register(claimgate, options) })'

interface NamedHook {
  readonly answering: AnsweringHook
  readonly rule: RouteRule
}

/**
 * The gate that applies to a route of a scope: the innermost one. A gate with `global: false` does not lift the protection of an outer
 * gate. Looked up on each request, because an outer gate may be registered later.
 */
function gateFor(scope: unknown, rule: RouteRule): Gate | undefined {
  if (rule === false || typeof scope !== 'object' || scope === null) return undefined
  const gate = Object.hasOwn(scope, GATE) ? (scope as { readonly [GATE]: Gate })[GATE] : undefined
  if (gate !== undefined && (rule !== undefined || gate.protects === 'every route')) return gate
  return gateFor(Object.getPrototypeOf(scope), rule)
}

/** Makes hooks set directly on the route answer refused requests. Inside `fastify.auth([…])`, @fastify/auth answers them instead. */
function answerDirectly(route: RouteOptions, named: ReadonlyMap<unknown, NamedHook>): readonly RouteRule[] {
  const found: RouteRule[] = []
  for (const name of ANSWERING_STAGES) {
    const hooks: readonly unknown[] = [own(route, name) ?? []].flat()
    const replaced = hooks.map((hook) => {
      const mine = named.get(hook)
      if (mine !== undefined) found.push(mine.rule)
      return mine?.answering ?? hook
    })
    // Added at the end, because `preHandler` may itself contain a hook of `fastify.authenticateJwt()`.
    if (name === 'preHandler' && !replaced.includes(holdBack)) replaced.push(holdBack)
    if (replaced.length > 0) Object.assign(route, { [name]: replaced })
  }
  return found
}

const ANSWERING_STAGES = ['onRequest', 'preValidation', 'preHandler'] as const

function hooksOf(route: RouteOptions): readonly unknown[] {
  return (['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const).flatMap((name) => own(route, name))
}

const protectedPrefixes = new WeakMap<object, Set<string>>()

/**
 * Runs the hooks of a scope for unknown paths under its prefix, so that responses do not reveal which routes exist. Without a prefix,
 * unknown paths already run the hooks of the root.
 */
function protectNotFound(fastify: FastifyInstance): void {
  const prefixes = protectedPrefixes.get(fastify.server) ?? new Set<string>()
  protectedPrefixes.set(fastify.server, prefixes)
  if (fastify.prefix === '' || prefixes.has(fastify.prefix)) return
  prefixes.add(fastify.prefix)
  // Without an argument this sets Fastify's default handler; its types do not allow that.
  const setDefault = fastify.setNotFoundHandler.bind(fastify) as unknown as () => void
  try {
    setDefault()
  } catch {
    // The scope already has its own handler, which also runs the hooks.
  }
}
