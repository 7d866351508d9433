import { isClaimRequirement } from '../authorization/claim.ts'
import { isOptions, isRecord, kindOf } from '../errors/misconfigured.ts'
import { isFirstOf } from '../keys/first-of.ts'
import { bare } from '../model/own.ts'
import type { IssuerPolicy } from '../options.ts'

/** What the options of a policy held when it was made, so that a later change in place is noticed. */
export type PolicySnapshot = Readonly<Record<string, unknown>>

/**
 * Copies everything in the options of a policy that can change in place: lists, objects, bytes, URLs. A key source of the application is
 * compared by identity, because its state is its own.
 *
 * @param options without a prototype
 */
export function snapshotOf(options: IssuerPolicy): PolicySnapshot {
  return bare(
    Object.fromEntries(
      Object.entries(options).map(([name, value]: [string, unknown]) => [
        name,
        isKeySource(name, value) ? value : copied(value, new Set()),
      ]),
    ),
  )
}

/** Whether options are still those of a snapshot: the same names, an `undefined` included, with the same values. */
export function isUnchanged(snapshot: PolicySnapshot, options: IssuerPolicy): boolean {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(options)
  return (
    entries.length === Object.keys(snapshot).length &&
    entries.every(
      ([name, value]) =>
        name in snapshot && (isKeySource(name, value) ? snapshot[name] === value : sameValue(snapshot[name], value)),
    )
  )
}

function isKeySource(name: string, value: unknown): boolean {
  return name === 'keys' && !isFirstOf(value)
}

/** An object that only itself equals: an instance of a class, with its members, or one that has been copied elsewhere in the snapshot. */
class Itself {
  readonly object: object
  readonly members: object | undefined

  constructor(object: object, members?: object) {
    this.object = object
    this.members = members
  }
}

// Each object is copied once, because an instance may lead back to itself.
function copied(value: unknown, seen: Set<object>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return new Itself(value)
  seen.add(value)
  if (Array.isArray(value)) return value.map((item) => copied(item, seen))
  if (ArrayBuffer.isView(value)) return Uint8Array.from(bytesOf(value))
  if (isUrl(value)) return new URL(value)
  if (!isOptions(value)) return value
  const members: readonly (readonly [string, unknown])[] = Object.entries(value)
  const copy = bare<object>(Object.fromEntries(members.map(([name, item]) => [name, copied(item, seen)])))
  return isRecord(value) ? copy : new Itself(value, copy)
}

function sameValue(copy: unknown, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return copy === value
  if (copy instanceof Itself)
    return copy.object === value && (copy.members === undefined || sameMembers(copy.members, value))
  // Each call of `claim` makes new functions.
  if (isClaimRequirement(copy) && isClaimRequirement(value))
    return sameValue(copy.claim, value.claim) && sameValue(copy.condition, value.condition)
  if (Array.isArray(copy) && Array.isArray(value))
    return copy.length === value.length && copy.every((item, index) => sameValue(item, value[index]))
  if (ArrayBuffer.isView(copy) && ArrayBuffer.isView(value)) return sameBytes(bytesOf(copy), bytesOf(value))
  if (isUrl(copy) && isUrl(value)) return copy.href === value.href
  return isRecord(copy) && isRecord(value) ? sameMembers(copy, value) : copy === value
}

function sameMembers(copy: object, members: object): boolean {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(members)
  const copies = copy as Readonly<Record<string, unknown>>
  return (
    entries.length === Object.keys(copy).length &&
    entries.every(([name, item]) => Object.hasOwn(copies, name) && sameValue(copies[name], item))
  )
}

function isUrl(value: unknown): value is URL {
  return kindOf(value) === 'a URL'
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function sameBytes(copy: Uint8Array, bytes: Uint8Array): boolean {
  return copy.length === bytes.length && copy.every((byte, index) => byte === bytes[index])
}
