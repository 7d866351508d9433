import { role, scope, type VerifiedToken } from '@claimgate/core'
import { isRequirementRule, misconfigured, noRequirement } from '@claimgate/core/adapter'
import { createParamDecorator, type ExecutionContext, SetMetadata, UseGuards } from '@nestjs/common'
import { admissionOf, assertAdmitted, isPublic, type RouteRequirement, RULES, type Rules } from './guard.ts'

/** Opens a handler, or a controller. A handler with `@Require()`, `@Scopes()` or `@Roles()` stays protected in an open controller. */
export function Public(): ClassDecorator & MethodDecorator {
  return withRule('Public', 'public')
}

/**
 * Requires that the token of a request meets the requirement. The requirements of a controller and of its handler both apply. A decorator
 * that replaces the method must keep its metadata, as for `@UseGuards()`.
 *
 * @throws TypeError for anything but a requirement, or a function that returns one for an `ExecutionContext`
 */
export function Require(requirement: RouteRequirement): ClassDecorator & MethodDecorator {
  if (!isRequirementRule<ExecutionContext>(requirement)) throw noRequirement('create @Require()', requirement)
  return withRule('Require', requirement)
}

/**
 * Requires that the token of a request grants all of these scopes. See `Require`.
 *
 * @throws TypeError if no scope is given, or a string is not exactly one scope
 */
export function Scopes(...all: readonly string[]): ClassDecorator & MethodDecorator {
  return withRule('Scopes', scope(...all))
}

/**
 * Requires that the token of a request has all of these roles, as the `roleSource` of its issuer gives them. For at least one of several, write
 * `@Require(anyRole('admin', 'editor'))`. See `Require`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function Roles(...all: readonly string[]): ClassDecorator & MethodDecorator {
  return withRule('Roles', role(...all))
}

/**
 * The verified token, as a parameter of a handler: `@Auth() auth: VerifiedToken<MyClaims>`. It is `undefined` in an open handler, and for
 * anonymous requests (`optional: true`).
 */
export const Auth: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext): VerifiedToken | undefined =>
    isPublic(context) ? undefined : admissionOf(context).token,
)

function withRule(name: string, rule: 'public' | RouteRequirement): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const on: unknown = descriptor === undefined ? target : descriptor.value
    if (typeof on !== 'function')
      throw misconfigured(`use @${name}()`, 'put it on a controller or a handler', typeof on)
    const before = Reflect.getOwnMetadata(RULES, on) as Rules | undefined
    if (before !== undefined && (before === 'public' || rule === 'public'))
      throw misconfigured(`use @${name}()`, '@Public() and a requirement contradict each other', on.name)
    const known = Reflect.getMetadata(RULES, on) as Rules | undefined
    const rules = rule === 'public' ? rule : [...(known === undefined || known === 'public' ? [] : known), rule]
    const decorators = [SetMetadata(RULES, rules), ...(before === undefined ? [UseGuards(assertAdmitted)] : [])]
    for (const decorate of decorators) decorate(target, key as string, descriptor as never)
  }
}
