import { isClaimRequirement } from '../authorization/requirements.ts'
import { isFirstOf } from '../keys/first-of.ts'
import { bytesIn, isObject } from '../model/values.ts'
import { isOptions, isRecord, kindOf } from '../options/option-rules.ts'
import type { IssuerPolicy } from './options.ts'

/** What a policy's options contained when the policy was created, as a flat list, to detect later in-place changes. */
export type PolicySnapshot = readonly unknown[]

/** Lists everything in a policy's options that can change in place: lists, objects, bytes, URLs. */
export function snapshotOf(options: Partial<IssuerPolicy>): PolicySnapshot {
  const leaves: unknown[] = []
  walk(options, firstSeen(options), (leaf) => leaves.push(leaf) > 0)
  return leaves
}

/** Whether options still equal a snapshot: the same names, including those set to `undefined`, with the same values. */
export function isUnchanged(snapshot: PolicySnapshot, options: Partial<IssuerPolicy>): boolean {
  let next = 0
  const isSame = walk(options, firstSeen(options), (leaf) => {
    next += 1
    return leaf === snapshot[next - 1]
  })
  return isSame && next === snapshot.length
}

// An application's own key source is compared by identity, because its state is private.
function firstSeen({ keys }: Partial<IssuerPolicy>): Set<unknown> {
  return new Set(isFirstOf(keys) ? [] : [keys])
}

// Leaves that no option can contain. They distinguish a list from an object with the same contents.
const LIST = Symbol('list')
const BYTES = Symbol('bytes')
const ADDRESS = Symbol('URL')
const CLAIM = Symbol('claim')
const RECORD = Symbol('record')

/** Passes each leaf of a value to `take`, until it returns `false`. Objects without readable members, and repeated ones, are leaves. */
function walk(value: unknown, seen: Set<unknown>, take: (leaf: unknown) => boolean): boolean {
  if (!isObject(value) || seen.has(value)) return take(value)
  seen.add(value)
  if (Array.isArray(value))
    return take(LIST) && take(value.length) && value.every((item: unknown) => walk(item, seen, take))
  if (ArrayBuffer.isView(value)) return take(BYTES) && take(bytesIn(value).join())
  if (kindOf(value) === 'a URL') return take(ADDRESS) && take((value as URL).href)
  // Each call of `claim` creates new functions.
  if (isClaimRequirement(value))
    return take(CLAIM) && walk(value.claim, seen, take) && walk(value.condition, seen, take)
  if (!isOptions(value)) return take(value)
  const names = Object.keys(value).toSorted()
  // A class instance must also be the same object.
  return (
    take(isRecord(value) ? RECORD : value) &&
    take(names.length) &&
    names.every((name) => take(name) && walk((value as Readonly<Record<string, unknown>>)[name], seen, take))
  )
}
