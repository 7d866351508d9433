import { types } from 'node:util'

import { SHORTEST } from './secret-in.ts'

/** Gets a text and where it stands, on demand, such as `cause.message` or `member actual`. */
export type Look = (text: string, place: () => string) => void

const DEEPEST = 6
const MOST_OBJECTS = 300

/**
 * Every text that a logger could find in a value: of errors message, stack and cause, of all objects their own members, listed or not,
 * and what `toJSON` gives. Calls no other getter and looks into no proxy.
 */
export function textsOf(value: unknown, look: Look): void {
  const seen = new Set<object>()

  const visit = (part: unknown, path: readonly string[]): void => {
    if (typeof part === 'string') look(part, () => placeOf(path))
    if (typeof part !== 'object' || part === null || types.isProxy(part)) return
    if (seen.has(part) || seen.size >= MOST_OBJECTS || path.length > DEEPEST) return
    seen.add(part)
    if (ArrayBuffer.isView(part)) return look(latin1(part), () => placeOf(path))
    // Of the outermost error it would add nothing to the message, and cost more than all the rest.
    if (path.length > 0 && types.isNativeError(part)) visit(part.stack, [...path, 'stack'])
    if (part instanceof Map || part instanceof Set) visit([...part], path)
    for (const name of Object.getOwnPropertyNames(part)) {
      if (name === 'toJSON' || name === 'stack') continue
      const member: unknown = Object.getOwnPropertyDescriptor(part, name)?.value
      if (name.length >= SHORTEST) look(name, () => placeOf([...path, 'a name']))
      // A single member of a JWK tells its secret by its name alone.
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
