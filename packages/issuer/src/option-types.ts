import { has, own } from './own.ts'
import { discreetRefusal } from './refusal.ts'

/**
 * A function, or nothing.
 *
 * @throws TypeError that names the option
 */
export const assertFunction = (action: string, name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== 'function')
    throw discreetRefusal(action, `"${name}" must be a function`, value)
}

/**
 * A clock with this method, or nothing.
 *
 * @throws TypeError that names the option
 */
export const assertClock = (action: string, clock: unknown, method: 'now' | 'monotonic'): void => {
  if (clock === undefined) return
  if (typeof clock !== 'object' || clock === null || typeof own(clock, method) !== 'function')
    throw discreetRefusal(action, `"clock" must be an object with a function "${method}"`, clock)
}

/**
 * Refuses options that are given as `undefined` where leaving them out means something weaker than any value of them: a key that went missing.
 *
 * @throws TypeError that names the option
 */
export const assertNotMissing = (action: string, options: object, names: readonly string[]): void => {
  for (const name of names)
    if (has(options, name) && own(options, name) === undefined)
      throw new TypeError(`Cannot ${action}: "${name}" must not be undefined: give it a value, or leave it out`)
}
