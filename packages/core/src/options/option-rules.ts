import { quote, sentence } from '../errors/quote.ts'
import { isPlainObject } from '../model/http-text.ts'
import { bare, isObject, own } from '../model/values.ts'

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
  return isObject(value) && ['object', 'Module'].includes(classOf(value))
}

/** Whether a value is an object literal, of any realm. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isOptions(value) && isPlainObject(value)
}

/** What a value must be: the end of the sentence `"name" must be …`, and the test. */
export interface OptionRule {
  readonly be: string
  fits(value: unknown): boolean
  /** What messages show instead of a wrong value that may contain a secret. @defaultValue the value */
  readonly printed?: (value: unknown) => unknown
}

/** One option: what it must be, and its default. */
export interface OptionRow extends OptionRule {
  /** @defaultValue undefined */
  readonly default?: unknown
  /** An option that must not be left out. */
  readonly required?: true
  /**
   * For an option that accepts more if it is left out: what to do instead of setting it to `undefined`. That is rejected, because a value
   * probably went missing.
   */
  readonly narrows?: string
  /** What each item of a list must be. The list is copied. */
  readonly each?: OptionRule
  /** The table of a nested options object. If the value is `false`, it is not used. */
  readonly table?: OptionTable
  /** Checks a value in detail, and returns its replacement. `name` is the name for messages. */
  readonly read?: (action: string, value: never, name: string) => unknown
  /** The limits of a number, included. */
  readonly least?: number
  readonly most?: number | undefined
}

/** Rows by option. With a type argument, there is one for each of its members. */
export type OptionTable<T extends object = Readonly<Record<string, unknown>>> = Readonly<
  Record<keyof T & string, OptionRow>
>

/** Options after they were read, where some have a default. */
export type Filled<T extends object, Names extends keyof T> = Omit<T, Names> & {
  readonly [name in Names]-?: Exclude<T[name], undefined>
}

/** The names of the options that are numbers. */
export type NumbersOf<T extends object> = {
  [name in keyof T]-?: Exclude<T[name], undefined> extends number ? name : never
}[keyof T]

/** `true` or `false`. A string such as 'false' from an environment variable must not enable anything. */
export const flag: OptionRule = { be: 'true or false', fits: (value) => typeof value === 'boolean' }

/** A function. */
export const callback: OptionRule = { be: 'a function', fits: (value) => typeof value === 'function' }

/** A validator with the interface of Standard Schema. */
export const schemaValidator: OptionRule = {
  be: 'a Standard Schema validator, for example of zod, valibot or arktype',
  fits: (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
    const standard = own(value, '~standard')
    return isObject(standard) && typeof own(standard, 'validate') === 'function'
  },
}

/** One of the given words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return { be: `"${words.join('" or "')}"`, fits: (value) => words.includes(value as string) }
}

/** Any value except `null`, for an option that is checked in detail where it is used. */
export const anything: OptionRule = { be: '', fits: (value) => value !== null }

/** A list. */
export function listOf(be: string, each?: OptionRule): OptionRow {
  return { be, fits: Array.isArray, ...(each && { each }) }
}

/** An object with the given methods. */
export function objectWith(be: string, ...methods: readonly string[]): OptionRule {
  const fits = (value: unknown): boolean =>
    isObject(value) && methods.every((name) => typeof own(value, name) === 'function')
  return { be, fits }
}

/** A nested options object. */
export function optionsOf(be: string, table?: OptionTable): OptionRow {
  return { be, fits: isOptions, ...(table && { table }) }
}

/** The range of a number, limits included, and its default. Numbers that need not be whole are seconds. */
export interface NumberRange {
  readonly least: number
  /** @defaultValue any number */
  readonly most?: number
  readonly whole?: true
  readonly default?: number
}

/** A number within a range. */
export function numberIn(range: NumberRange): OptionRow {
  const { least, most, whole } = bare({ ...range })
  return {
    ...range,
    be: `a ${whole ? 'whole number' : 'number of seconds'} from ${least}${most === undefined ? '' : ` to ${most}`}`,
    fits: (value) =>
      typeof value === 'number' &&
      value >= least &&
      value <= (most ?? Number.MAX_SAFE_INTEGER) &&
      (!whole || Number.isInteger(value)),
  }
}

/** An option that must not be left out. */
export function required(rule: OptionRule): OptionRow {
  return { ...rule, required: true }
}

/** An option that accepts more if it is left out, so `undefined` is rejected for it. */
export function narrowing(rule: OptionRule, advice = 'give it a value, or leave it out'): OptionRow {
  return { ...rule, narrows: advice }
}
