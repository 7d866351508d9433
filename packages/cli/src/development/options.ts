import { listOf, type Options } from '../options.ts'
import { CannotSay } from '../outcome.ts'

/** @throws CannotSay for anything but a port from `least` to 65535 */
export function portOf(given: unknown, byDefault: number, least: 0 | 1): number {
  const port = wholeNumber(given)
  if (given === undefined) return byDefault
  if (port !== undefined && port >= least && port <= 65_535) return port
  throw new CannotSay(`--port must be a whole number from ${least} to 65535.`)
}

/** The whole number that a text says; `undefined` for any other text. */
export function wholeNumber(given: unknown): number | undefined {
  return typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : undefined
}

/** Settings of a profile from `--option name=value`: a digit is a number, and a value in brackets a JSON list. */
export function wordsOf(options: Options): Readonly<Record<string, unknown>> {
  return pairs('--option', listOf(options, 'option'), (value) =>
    /^(?:\d|\[.*\])$/s.test(value) ? (JSON.parse(value) as unknown) : value,
  )
}

/** Members from `name=value`, where the value is JSON, or text if it is not JSON: `level=3`, `roles=["admin"]`, `sub=ada`. */
export function membersOf(option: string, texts: readonly string[]): Readonly<Record<string, unknown>> {
  return pairs(option, texts, (value) => {
    try {
      return JSON.parse(value) as unknown
    } catch {
      return value
    }
  })
}

function pairs(
  option: string,
  texts: readonly string[],
  read: (value: string) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
      if (name === undefined) throw new CannotSay(`${option} must have the form name=value.`)
      try {
        return [name, read(value)]
      } catch {
        throw new CannotSay(`The value of ${option} ${name} must be JSON if it is in brackets.`)
      }
    }),
  )
}
