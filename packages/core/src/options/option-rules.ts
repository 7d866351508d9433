import { quote, sentence } from '../errors/quote.ts'
import { bare, has, own } from '../model/values.ts'

/**
 * A configuration error, to be thrown at start-up: what could not be done, the rule, and what was found instead.
 *
 * A `TypeError` and not an `AuthError`, because no request is at fault and nothing may turn it into a 401.
 */
export function misconfigured(action: string, rule: string, ...found: readonly [found?: unknown]): TypeError {
  return new TypeError(sentence(`Cannot ${action}: ${rule}${found.length > 0 ? `, found ${foundText(found[0])}` : ''}`))
}

// Quotes only plain values and lists of them, because an object may contain a key or a whole environment.
function foundText(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  const isList = Array.isArray(value) && value.every((item) => typeof item !== 'function' && Object(item) !== item)
  return isList || (typeof value !== 'function' && Object(value) !== value) ? quote(value) : kindOf(value)
}

/** The kind of a value, for messages that must not quote it: `a string`, `a Set`, `an object`. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  const kind = typeof value === 'object' ? classOf(value) : typeof value
  return `${/^[aeio]/i.test(kind) ? 'an' : 'a'} ${kind}`
}

function classOf(value: object): string {
  if (Array.isArray(value)) return 'list'
  const name = Object.prototype.toString.call(value).slice(8, -1)
  return name === 'Object' ? 'object' : name
}

/** Whether a value may hold options: a plain object or a class instance, but not a list, Map, Date and so on. */
export function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && ['object', 'Module'].includes(classOf(value))
}

/** Whether a value is an object literal, of any realm. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isOptions(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** What an option must be: the end of the sentence `"name" must be …`, and the test. */
export interface OptionRule {
  readonly be: string
  fits(value: unknown): boolean
  /** What messages show instead of a wrong value that may contain a secret. @defaultValue the value */
  readonly printed?: (value: unknown) => unknown
}

/** Option rules by name. */
export type OptionRules = Readonly<Record<string, OptionRule>>

/** The range of a number, limits included. Numbers that need not be whole are seconds. */
export interface NumberRange {
  readonly least: number
  /** @defaultValue any number */
  readonly most?: number
  readonly whole?: true
}

/** `true` or `false`. A string such as 'false' from an environment variable must not enable anything. */
export const flag: OptionRule = { be: 'true or false', fits: (value) => typeof value === 'boolean' }

/** A function. */
export const callback: OptionRule = { be: 'a function', fits: (value) => typeof value === 'function' }

/** One of the given words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return { be: `"${words.join('" or "')}"`, fits: (value) => words.includes(value as string) }
}

/** Any value except `null`, for an option that is checked in detail where it is resolved. */
export const anything: OptionRule = { be: '', fits: (value) => value !== null }

/** A list. */
export function listOf(be: string): OptionRule {
  return { be, fits: Array.isArray }
}

/** An object with the given methods. */
export function objectWith(be: string, ...methods: readonly string[]): OptionRule {
  const fits = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && methods.every((name) => typeof own(value, name) === 'function')
  return { be, fits }
}

/** A nested options object. */
export function optionsOf(be: string): OptionRule {
  return { be, fits: isOptions }
}

/** A number within a range. */
export function numberIn(given: NumberRange): OptionRule {
  const { least, most = Number.MAX_SAFE_INTEGER, whole } = bare({ ...given })
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  return {
    be: `a ${whole ? 'whole number' : 'number of seconds'} ${range}`,
    fits: (value) =>
      typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value)),
  }
}

/** How `checkOptions` treats absent options, and names them in messages. */
export interface OptionsCheck {
  /** Options that accept more if left out. `undefined` is rejected for them, because a value probably went missing. */
  readonly narrow?: readonly string[]
  /** Options that must not be left out. */
  readonly required?: readonly string[]
  /** The prefix of each name in messages, such as `keySet.` */
  readonly path?: string
}

/**
 * Checks the given options.
 *
 * @throws TypeError with a message that says what to write
 */
export function checkOptions(action: string, options: object, rules: OptionRules, check: OptionsCheck = {}): void {
  const { narrow = [], required = [], path = '' } = bare({ ...check })
  for (const [name, rule] of Object.entries(rules)) {
    const { be, fits } = rule
    const value = own(options, name)
    const isAbsent = value === undefined && !required.includes(name)
    if (isAbsent && narrow.includes(name) && has(options, name))
      throw misconfigured(action, `"${path}${name}" must not be undefined: give it a value, or leave it out`)
    if (isAbsent || fits(value)) continue
    if (value === null && !required.includes(name))
      throw misconfigured(action, `"${path}${name}" must not be null: leave it out for its default`)
    const printed = own(rule, 'printed')
    throw misconfigured(action, `"${path}${name}" must be ${be}`, printed ? printed(value) : value)
  }
}

/**
 * Fills in the defaults of numeric options, and freezes the result.
 *
 * @throws TypeError for one that is out of its range
 */
export function readNumbers<Name extends string>(
  action: string,
  options: object,
  ranges: Readonly<Record<Name, NumberRange>>,
  { defaults, path }: { readonly defaults: Readonly<Record<Name, number>>; readonly path: string },
): Readonly<Record<Name, number>> {
  const read = { ...defaults }
  for (const name of Object.keys(ranges) as Name[]) {
    checkOptions(action, options, { [name]: numberIn(ranges[name]) }, { path })
    Object.assign(read, { [name]: own(options, name) ?? defaults[name] })
  }
  return Object.freeze(read)
}
