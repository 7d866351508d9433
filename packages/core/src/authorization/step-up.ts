import { isScope } from '../model/http-text.ts'
import { iatTolerance } from '../model/runtime.ts'
import type { Claims } from '../model/token.ts'
import { valueAt } from '../model/values.ts'
import { listOf, misconfigured, narrowing, numberIn, type OptionTable } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import type { Requirement } from './requirements.ts'

/** How a user must have authenticated (RFC 9470 section 3). Give at least one option. */
export interface StepUpOptions {
  /** Authentication contexts, of which the `acr` of the token must be one. In order of preference. @defaultValue any */
  readonly acr?: readonly string[]
  /** Seconds since the user last authenticated, at most (`auth_time`). From 1. @defaultValue any time */
  readonly maxAge?: number
  /**
   * Authentication methods that the `amr` of the token must all name (RFC 8176). Challenges cannot name them, so also give the `acr` that
   * requests them. @defaultValue any
   */
  readonly amr?: readonly string[]
}

const name = { be: 'text without spaces, quotes and backslashes', fits: isScope }

const STEP_UP: OptionTable<StepUpOptions> = /* @__PURE__ */ (() => ({
  acr: narrowing(listOf('a list, such as ["urn:example:mfa"]', name)),
  maxAge: narrowing(numberIn({ least: 1, whole: true })),
  amr: narrowing(listOf('a list, such as ["otp"]', name)),
}))()

const ACTION = 'require step-up'

/**
 * The user must have authenticated in one of these ways, or recently. Otherwise the answer is 401 `insufficient_user_authentication`, and the
 * challenge tells the client what to request with `acr_values` and `max_age` (RFC 9470). A claim that is missing or malformed never meets it.
 *
 * @throws TypeError for options that are missing or wrong
 */
export function stepUp(options: StepUpOptions): Requirement {
  const { acr, maxAge, amr } = readOptions(ACTION, options, STEP_UP, {
    form: 'give an object, such as { maxAge: 300 }',
  }) as StepUpOptions
  if ([acr, maxAge, amr].every((given) => given === undefined))
    throw misconfigured(ACTION, 'give "acr", "maxAge" or "amr"')
  if ([acr, amr].some((list) => list?.length === 0)) throw misconfigured(ACTION, '"acr" and "amr" must not be empty')
  const checks: readonly ((claims: Claims, now: number) => boolean)[] = [
    (claims) => acr === undefined || acr.some((one) => one === valueAt(claims, 'acr')),
    (claims) => amr === undefined || hasMethods(valueAt(claims, 'amr'), amr),
    (claims, now) => maxAge === undefined || isRecent(valueAt(claims, 'auth_time'), now, maxAge),
  ]
  const named = Object.entries({ acr, amr, auth_time: maxAge }).filter(([, given]) => given !== undefined)
  const description = `an authentication${[
    acr && ` with acr ${acr.join(' or ')}`,
    amr && ` with amr ${amr.join(' and ')}`,
    maxAge && ` in the last ${maxAge} s`,
  ]
    .filter(Boolean)
    .join('')}`
  return Object.freeze<Requirement>({
    description,
    documentation: description,
    scopes: Object.freeze([]),
    isMet: ({ claims }, { now }) => checks.every((check) => check(claims, now)),
    found: ({ claims }) => Object.fromEntries(named.map(([claim]) => [claim, valueAt(claims, claim)])),
    refusal: refusalOf(acr, maxAge),
  })
}

function hasMethods(value: unknown, all: readonly string[]): boolean {
  return Array.isArray(value) && all.every((method) => value.includes(method))
}

// A time in the future says nothing about the past, except for a small difference between clocks.
function isRecent(time: unknown, now: number, maxAge: number): boolean {
  return typeof time === 'number' && now - time <= maxAge && time - now <= iatTolerance(0)
}

// The descriptions are those of the examples in RFC 9470 section 3.
function refusalOf(acr: readonly string[] | undefined, maxAge: number | undefined): Refusal {
  const [first, ...others] = [
    acr && 'A different authentication level is required',
    maxAge && 'More recent authentication is required',
  ].filter((text) => typeof text === 'string')
  return Object.freeze<Refusal>({
    status: 401,
    error: 'insufficient_user_authentication',
    ...(first !== undefined && others.length === 0 && { description: first }),
    parameters: Object.freeze({
      ...(acr && { acr_values: acr.join(' ') }),
      ...(maxAge !== undefined && { max_age: String(maxAge) }),
    }),
  })
}

type Refusal = NonNullable<Requirement['refusal']>
