import { bare } from '../own.ts'
import { refusal } from '../refusal.ts'

/** An object that JSON writes as it stands. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** What JSON knows (RFC 8259 section 3). */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

const DEEPEST = 64

/**
 * A copy of an object that holds what JSON can say and nothing else, without a prototype; members that are `undefined` are left out. Every
 * member is read once, so what has been checked in the copy is what gets signed.
 *
 * @throws TypeError for what JSON drops, rewrites or cannot write (functions, `toJSON`, class instances, `NaN`), and for
 * a member called `__proto__`.
 */
export const plainJson = (action: string, name: string, value: unknown): JsonObject => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal(action, `${name} must be an object`, value)
  }
  return copiedObject(value, { action, name, depth: 1 })
}

interface Place {
  readonly action: string
  readonly name: string
  readonly depth: number
}

const copiedObject = (object: object, place: Place): JsonObject => {
  const { action, name, depth } = place
  if (depth > DEEPEST) throw refusal(action, `${name} must not be nested deeper than ${DEEPEST}`, 'more, or a circle')
  if (!isPlain(object)) throw refusal(action, `${name} must be made of plain objects`, 'an instance of a class')
  const members = Object.entries(object).filter(([, value]) => value !== undefined)
  if (members.some(([member]) => member === '__proto__')) {
    throw refusal(action, `${name} must not have a member "__proto__"`, 'one')
  }
  return bare(
    Object.fromEntries(members.map(([member, value]) => [member, copied(value, { ...place, depth: depth + 1 })])),
  )
}

const copied = (value: unknown, place: Place): JsonValue => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return copiedArray(value, place)
  if (typeof value === 'object') return copiedObject(value, place)
  throw refusal(place.action, `${place.name} must be made of what JSON can say`, value)
}

const copiedArray = (values: readonly unknown[], place: Place): readonly JsonValue[] => {
  const { action, name, depth } = place
  if (depth > DEEPEST) throw refusal(action, `${name} must not be nested deeper than ${DEEPEST}`, 'more, or a circle')
  return Array.from(values, (value) => copied(value, { ...place, depth: depth + 1 }))
}

// Plain in any realm: its prototype has none itself.
const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
