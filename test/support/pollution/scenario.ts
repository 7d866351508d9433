/** Makes all requests once, and returns each answer by name. Answers of a verification begin with `accepted` or `refused`. */
export type Ask = () => Promise<Readonly<Record<string, string>>>

/** A small program: how it starts, and its answers. */
export interface Scenario {
  readonly name: string
  /** A library of the application reads `Object.prototype` here: the answer must be a refusal or an error, or stay the same. */
  readonly mayBreak?: true
  /** Also run with the names that dependencies read, which takes long. */
  readonly triesForeign?: true
  start(): Ask | Promise<Ask>
}

/** An answer that changed with something on `Object.prototype`; `undefined` means no answer. */
export interface Change {
  readonly scenario: string
  readonly pollution: string
  readonly when: 'before the start' | 'after the start'
  readonly ask: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** The result in words. Never throws. */
export async function outcome(ask: () => unknown): Promise<string> {
  try {
    const answer = await ask()
    return withoutTimes(typeof answer === 'string' ? answer : stringify(answer))
  } catch (error) {
    return withoutTimes(describe(error))
  }
}

// The current time in a message differs between runs.
function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d+ (?:s|minutes?|hours?)\b/g, 'a time')
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `error ${typeof error}`
  const code = Object.hasOwn(error, 'code') ? (error as Error & { readonly code: unknown }).code : undefined
  const status = Object.hasOwn(error, 'status') ? (error as Error & { readonly status: unknown }).status : undefined
  if (typeof status === 'number') return `refused ${status} ${String(code)} ${error.message}`
  return `error ${error.name}: ${error.message}`
}

/** JSON of own members, in order. */
export function stringify(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) =>
      item instanceof Set || item instanceof Map ? [...item] : typeof item === 'function' ? 'function' : item,
    ) ?? 'undefined'
  )
}
