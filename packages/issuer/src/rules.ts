// What the options of this package must be. Import it as `rule`, so that a table reads `ttl: rule.seconds(1, 60)`.
import { own } from './refusal.ts'

/** What a value must be: the end of the sentence `"name" must …`, and the test. */
export interface Rule {
  readonly must: string
  readonly accepts: (value: unknown) => boolean
  /** Whether messages state only the length of a wrong string, because it may be secret. */
  readonly secret: boolean
}

/** A rule from its sentence and its test. */
export const of = (must: string, accepts: (value: unknown) => boolean): Rule => ({ must, accepts, secret: false })

/** The same rule for a value that messages must not quote. */
export const secret = (rule: Rule): Rule => ({ ...rule, secret: true })

/** The same rule for a value that may be left out. */
export const optional = (rule: Rule): Rule => ({
  ...rule,
  accepts: (value) => value === undefined || rule.accepts(value),
})

/** Any value, for an option that is checked where it is used. */
export const anything: Rule = of('be given', () => true)

/** Whether a value is a non-empty string. */
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** A non-empty string. */
export const text: Rule = of('be a non-empty string', isText)

/** One audience, or a list of them. */
export const audiences: Rule = of(
  'be a non-empty string or an array of them',
  (value) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
)

/** A string of `1` to `longest` characters. */
export const textUpTo = (longest: number): Rule =>
  of(`have 1 to ${longest} characters`, (value) => isText(value) && value.length <= longest)

/** One of some words. */
export const oneOf = (words: readonly string[]): Rule =>
  of(`be one of ${words.join(', ')}`, (value) => words.some((word) => word === value))

/** A whole number of seconds from `min` to `max`, inclusive. */
export const seconds = (min: number, max: number): Rule =>
  of(
    `be a whole number of seconds from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  )

/** A function. */
export const callback: Rule = secret(of('be a function', (value) => typeof value === 'function'))

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** An object, described by `must`. */
export const object = (must: string): Rule => secret(of(must, isObject))

/** An object with this method. */
export const objectWith = (method: string, must = `be an object with a function "${method}"`): Rule =>
  secret(of(must, (value) => isObject(value) && typeof own(value, method) === 'function'))
