import { refusal } from './refusal.ts'

/**
 * A whole number of seconds within the range, ends included.
 *
 * @throws TypeError that names the option, the range, and what was found.
 */
export const assertSeconds = (
  action: string,
  name: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): void => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
  throw refusal(action, `"${name}" must be a whole number of seconds from ${min} to ${max}`, value)
}
