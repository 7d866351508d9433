import { quote } from '../errors/quote.ts'
import { bare, ownOptions } from '../model/values.ts'
import { isOptions, misconfigured, type OptionRow, type OptionRule, type OptionTable } from './option-rules.ts'
import { suggestion } from './suggestions.ts'

/** How messages name the options, and what else their object may hold. */
interface Reading {
  /** The prefix of each name, such as `keySet.` @defaultValue none */
  readonly path?: string
  /** What to give instead of a value that cannot hold options. @defaultValue 'give an object with options' */
  readonly form?: string
  /** Names of options that are read elsewhere. The result has them as they are. @defaultValue none */
  readonly beside?: readonly string[]
}

/**
 * Reads options by a table: rejects unknown names and wrong values, and fills in the defaults. The result is frozen and inherits nothing, so
 * a polluted `Object.prototype` supplies none of its members. Getters are called once.
 *
 * @throws TypeError with a message that says what to write
 */
export function readOptions(action: string, given: object, table: OptionTable, reading: Reading = {}): object {
  const { path = '', form, beside = [] } = bare({ ...reading })
  const options = knownOptions(action, given, [...Object.keys(table), ...beside], path, form) as Options
  for (const [name, row] of Object.entries(table)) {
    const value = readOption(action, `${path}${name}`, row, options)
    if (value !== undefined) options[name] = value
  }
  return Object.freeze(options)
}

type Options = Record<string, unknown>

function readOption(action: string, name: string, given: OptionRow, options: Options): unknown {
  const row = bare({ ...given })
  const key = name.slice(name.lastIndexOf('.') + 1)
  const value = options[key]
  if (value === undefined && row.required === undefined) {
    if (row.narrows !== undefined && key in options)
      throw misconfigured(action, `"${name}" must not be undefined: ${row.narrows}`)
    return row.table === undefined ? row.default : readOptions(action, {}, row.table)
  }
  if (!row.fits(value)) throw wrongValue(action, name, row, value)
  if (row.table !== undefined && value !== false)
    return readOptions(action, value as object, row.table, { path: `${name}.` })
  if (row.each !== undefined) return copyOf(action, name, row.each, value)
  return row.read === undefined ? value : row.read(action, value as never, name)
}

function wrongValue(action: string, name: string, { be, printed, required }: OptionRow, value: unknown): TypeError {
  if (value === null && required === undefined)
    return misconfigured(action, `"${name}" must not be null: leave it out for its default`)
  return misconfigured(action, `"${name}" must be ${be}`, printed ? printed(value) : value)
}

function copyOf(action: string, name: string, { be, fits }: OptionRule, list: unknown): readonly unknown[] {
  const copy: readonly unknown[] = Object.freeze([...(list as readonly unknown[])])
  for (const item of copy) if (!fits(item)) throw misconfigured(action, `each of "${name}" must be ${be}`, item)
  return copy
}

/**
 * Copies options that are checked elsewhere. Rejects values that cannot hold options, and unknown names: a typo cannot disable a check.
 *
 * @throws TypeError
 */
export function knownOptions<T extends object>(
  action: string,
  given: T,
  known: readonly string[],
  path = '',
  form = 'give an object with options',
): T {
  if (!isOptions(given)) throw misconfigured(action, form, given)
  const options = ownOptions(given, known)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    // On Windows the variable is called Path.
    if (Object.keys(options).some((variable) => /^(?:JWT_\w+|PATH)$/i.test(variable)))
      throw misconfigured(
        action,
        'an environment is not an options object: wrap it in optionsFromEnv(), as in optionsFromEnv(process.env)',
      )
    throw misconfigured(action, `there is no option ${quote(`${path}${name}`)}; ${suggestion(name, known, path)}`)
  }
  return options
}
