import { bare, has, own } from '../model/own.ts'
import { isOptions, misconfigured } from './misconfigured.ts'

/** What an option may be: the end of the sentence that begins with its name and `must be`, and the test for it. */
export interface OptionRule {
  readonly be: string
  fits(value: unknown): boolean
  /** What messages show of a wrong value that may hold a secret. @defaultValue the value */
  readonly printed?: (value: unknown) => unknown
}

/** The rules of some options, by name. */
export type OptionRules = Readonly<Record<string, OptionRule>>

/** The range of a number, ends included. Those that are not whole numbers are seconds. */
export interface NumberRange {
  readonly least: number
  /** @defaultValue any number */
  readonly most?: number
  readonly whole?: true
}

/** `true` or `false`. A string such as 'false' from an environment variable must not open anything. */
export const flag: OptionRule = { be: 'true or false', fits: (value) => typeof value === 'boolean' }

/** A function. */
export const callback: OptionRule = { be: 'a function', fits: (value) => typeof value === 'function' }

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return { be: `"${words.join('" or "')}"`, fits: (value) => words.includes(value as string) }
}

/** Whatever is not `null`, for an option that is checked more closely where it is resolved. */
export const anything: OptionRule = { be: '', fits: (value) => value !== null }

/** A list. */
export function listOf(be: string): OptionRule {
  return { be, fits: Array.isArray }
}

/** An object with some methods. */
export function objectWith(be: string, ...methods: readonly string[]): OptionRule {
  const fits = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && methods.every((name) => typeof own(value, name) === 'function')
  return { be, fits }
}

/** Options within options. */
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

/** How `checkOptions` goes about absent options, and names them. */
export interface OptionsCheck {
  /** Those that accept more when they are left out: `undefined` in them is a value that went missing, and so a mistake. */
  readonly narrow?: readonly string[]
  /** Those that must not be left out. */
  readonly required?: readonly string[]
  /** Stands before each name in messages, such as `keySet.` */
  readonly path?: string
}

/**
 * Checks the options that are given.
 *
 * @throws TypeError with a sentence that tells what to write
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
 * Numbers with their defaults filled in, frozen.
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
