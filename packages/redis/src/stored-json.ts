import { bare } from '@claimgate/core/adapter'

// No key set and no answer is longer. Anyone who can write to Redis could make every process parse more.
const MOST_CHARACTERS = 2_097_152

/** The JSON object in a text; `undefined` for anything else. */
export function parsedObject(stored: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof stored !== 'string' || stored.length > MOST_CHARACTERS) return undefined
  try {
    const value: unknown = JSON.parse(stored)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? bare(value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
