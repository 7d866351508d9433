import type { Authenticator, Verifier } from '@claimgate/core'
import {
  assertCanAsk,
  isRequirement,
  type MiddlewareAdapterOptions,
  misconfigured,
  own,
  READY,
  readMiddlewareOptions,
  type RequirementOption,
} from '@claimgate/core/adapter'
import { optionsFromEnv } from '@claimgate/core/providers'
import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata, type Type } from '@nestjs/common'
import { APP_FILTER, APP_GUARD, ModulesContainer } from '@nestjs/core'
import { ClaimgateGuard, rulesOf, type Settings } from './guard.ts'
import { RefusedFilter } from './refusal.ts'

/** How to verify tokens. If the options do not say it, `optionsFromEnv(process.env)` is used. */
export type ClaimgateOptions<C extends object = object> = MiddlewareAdapterOptions<C> & RequirementOption

/** What `forRoot` takes. */
type Given<C extends object> = ClaimgateOptions<C> | Verifier<C> | Authenticator<C>

/** How to make the options with the help of other providers. */
export interface ClaimgateAsyncOptions extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider, 'inject'> {
  /** Returns what `forRoot` takes, or a promise of it. */
  readonly useFactory: (...args: never[]) => Given<object> | Promise<Given<object>>
}

/** The token to inject the `Authenticator`, for example to verify the token of a WebSocket: `@Inject(AUTHENTICATOR)`. */
export const AUTHENTICATOR: unique symbol = Symbol('claimgate authenticator')

const SETTINGS: unique symbol = Symbol('claimgate settings')

/**
 * Protects every handler of an application. Open a handler with `@Public()`, and restrict it with `@Scopes()` or `@Require()`. Import it once,
 * into the root module.
 *
 * It is a global guard: no pipe, interceptor or handler runs for a refused request, but middleware and body parsers run before it. It does
 * not see what has no handler, such as unknown paths (404) and static files. Handlers of GraphQL and WebSockets fail, unless they are `@Public()`;
 * a handler of a microservice that is not `@Public()` is an error at start-up.
 */
export class ClaimgateModule {
  /**
   * @param given - options, or an existing verifier or authenticator. If they do not say how to verify tokens, `optionsFromEnv(process.env)` is
   * used
   * @throws TypeError for wrong options; if they come from the environment, it names the variable
   */
  static forRoot<C extends object = object>(given: Given<C> = {}): DynamicModule {
    const settings = settingsOf(given)
    return moduleWith({ provide: SETTINGS, useFactory: () => settings })
  }

  /** Like `forRoot`, with options that a factory makes. Wrong options throw at start-up. */
  static forRootAsync({ imports = [], inject = [], useFactory }: ClaimgateAsyncOptions): DynamicModule {
    const make = async (...args: never[]): Promise<Settings> => settingsOf(await useFactory(...args))
    return moduleWith({ provide: SETTINGS, useFactory: make, inject }, imports)
  }
}
Module({})(ClaimgateModule)

function settingsOf<C extends object>(given: Given<C>): Settings {
  return readMiddlewareOptions<C, RequirementOption>(given, {
    action: ACTION,
    table: READY,
    environment: process.env,
    readProvider: optionsFromEnv,
  })
}

const ACTION = 'create ClaimgateModule'

function moduleWith(settings: FactoryProvider, imports: NonNullable<ModuleMetadata['imports']> = []): DynamicModule {
  return {
    module: ClaimgateModule,
    global: true,
    imports,
    providers: [
      settings,
      { provide: AUTHENTICATOR, useFactory: ({ authenticator }: Settings) => authenticator, inject: [SETTINGS] },
      { provide: APP_GUARD, useFactory: guardOf, inject: [SETTINGS, ModulesContainer] },
      { provide: APP_FILTER, useFactory: () => new RefusedFilter() },
    ],
    exports: [AUTHENTICATOR],
  }
}

// Where @nestjs/microservices keeps the pattern of a handler.
const MESSAGE_PATTERN = 'microservices:pattern'
// Nest runs no global guard for the microservice of a hybrid application.
const MESSAGES = 'handlers of microservices are not protected: mark them @Public(), and check their messages yourself'

/** Nest makes the guard once all controllers are known, so their requirements are checked at start-up. */
function guardOf(settings: Settings, modules: ModulesContainer): ClaimgateGuard {
  const { authenticator } = settings
  const controllers = [...modules.values()].flatMap((one) => [...one.controllers.values()])
  for (const { metatype } of controllers)
    for (const handler of typeof metatype === 'function' ? handlersOf(metatype.prototype as object) : []) {
      const rules = rulesOf(metatype as object, handler)
      if (rules !== 'public' && Reflect.hasMetadata(MESSAGE_PATTERN, handler))
        throw misconfigured(ACTION, MESSAGES, `${(metatype as Type).name}.${(handler as Type).name}`)
      for (const rule of rules === 'public' ? [] : rules) {
        if (!isRequirement(rule)) continue
        assertCanAsk(ACTION, rule, authenticator.verifier)
        own(authenticator, 'resource')?.learn({ scopes: rule.scopes })
      }
    }
  return new ClaimgateGuard(settings)
}

function handlersOf(prototype: object | null): readonly object[] {
  if (prototype === null || prototype === Object.prototype) return []
  const members = Object.values(Object.getOwnPropertyDescriptors(prototype)).map(({ value }): unknown => value)
  const handlers = members.filter((member): member is object => typeof member === 'function')
  return [...handlers, ...handlersOf(Object.getPrototypeOf(prototype) as object | null)]
}
