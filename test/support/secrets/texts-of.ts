import { types } from 'node:util'

import { SHORTEST } from './secret-in.ts'

/** Receives a text, and a function that names its place, such as `cause.message` or `member actual`. */
export type Look = (text: string, place: () => string) => void

const DEEPEST = 6
const MOST_OBJECTS = 300

/**
 * Every text that a logger could find in a value: message, stack and cause of errors, own members of objects, enumerable or not, bytes,
 * and the result of `toJSON`. Calls no other getter and does not read proxies.
 */
export function textsOf(value: unknown, look: Look): void {
  const seen = new Set<object>()

  const visit = (part: unknown, path: readonly string[]): void => {
    if (typeof part === 'string') look(part, () => placeOf(path))
    if (typeof part !== 'object' || part === null || types.isProxy(part)) return
    if (seen.has(part) || seen.size >= MOST_OBJECTS || path.length > DEEPEST) return
    seen.add(part)
    if (ArrayBuffer.isView(part)) return look(latin1(part), () => placeOf(path))
    // The stack of the outermost error repeats its message, and formatting it is the slowest step.
    if (path.length > 0 && types.isNativeError(part)) visit(part.stack, [...path, 'stack'])
    if (part instanceof Map || part instanceof Set) visit([...part], path)
    for (const name of Object.getOwnPropertyNames(part)) {
      if (name === 'toJSON' || name === 'stack') continue
      const member: unknown = Object.getOwnPropertyDescriptor(part, name)?.value
      if (name.length >= SHORTEST) look(name, () => placeOf([...path, 'a name']))
      // A value is recognised as a member of a private JWK only beside its name.
      if (typeof member === 'string') look(`"${name}":"${member}"`, () => placeOf([...path, name]))
      else if (typeof member === 'object' && member !== null) visit(member, [...path, name])
    }
    if ('toJSON' in part) visit(jsonOf(part), [...path, 'toJSON()'])
  }
  visit(value, [])
}

function placeOf(path: readonly string[]): string {
  const causes = path.slice(0, path.findLastIndex((name) => name === 'cause') + 1)
  const rest = path.slice(causes.length)
  const [name = 'text'] = rest
  const last = rest.length > 1 || !WELL_KNOWN.has(name) ? `member ${rest.map(short).join('.')}` : name
  return [...causes, last].join('.')
}

const WELL_KNOWN = new Set(['text', 'message', 'stack', 'a name'])

// The name itself may be the secret.
function short(name: string): string {
  return name.length > 20 ? `${name.slice(0, 8)}…` : name
}

function jsonOf(part: object): unknown {
  const { toJSON } = part as { readonly toJSON?: unknown }
  if (typeof toJSON !== 'function' || part instanceof Date) return undefined
  try {
    return Reflect.apply(toJSON, part, [])
  } catch {
    return undefined
  }
}

function latin1(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, 20_000)).toString('latin1')
}
