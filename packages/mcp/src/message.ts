import { AuthError, bare, parseJsonObject, type RequestView } from '@claimgate/core/adapter'
import { MessageError } from './message-error.ts'

/** A message of JSON-RPC 2.0 whose header fields agree with it. */
export interface Message {
  /** `undefined` for a response, which older clients send. */
  readonly method: string | undefined
  /** The called tool, for `tools/call`. */
  readonly call: ToolCall | undefined
  /** The message for the transport, as `JSON.parse` or an earlier body parser made it. */
  readonly value: unknown
}

/** A call of a tool, from a client whose token is valid. */
export interface ToolCall {
  readonly name: string
  /** As sent by the client. `undefined` if the call has none. */
  readonly arguments: unknown
}

/**
 * Parses the bytes of a message strictly: one JSON object in UTF-8, no duplicate members, no batch.
 *
 * @throws MessageError with status 400
 */
export function parseMessage(bytes: Uint8Array, view: Pick<RequestView, 'header'>): Message {
  if (firstCharacter(bytes) === OPEN_BRACKET) throw new MessageError('batch')
  try {
    parseJsonObject(bytes, 'a message', JSON_LIMITS)
  } catch (error) {
    throw new MessageError(error instanceof AuthError && error.code !== 'json_malformed' ? 'not_strict' : 'not_json')
  }
  // Parsed again, because tools expect objects with a prototype. Without duplicate members, both results are equal.
  return checkMessage(JSON.parse(new TextDecoder().decode(bytes)), view)
}

// The bytes are limited already. Many values are allowed, because arguments of tools may be large.
const JSON_LIMITS = bare({ depth: 64, members: 1_000_000, nodes: 1_000_000 })
const OPEN_BRACKET = 0x5b
const WHITE_SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d])

function firstCharacter(bytes: Uint8Array): number | undefined {
  let at = 0
  while (WHITE_SPACE.has(bytes[at])) at += 1
  return bytes[at]
}

/**
 * Checks a parsed message: its form, and that `Mcp-Method` and `Mcp-Name` agree with it, because a proxy may decide by these header fields.
 *
 * @throws MessageError with status 400
 */
export function checkMessage(value: unknown, view: Pick<RequestView, 'header'>): Message {
  if (Array.isArray(value)) throw new MessageError('batch')
  if (!isObject(value)) throw new MessageError('not_message')
  const [id, method, params] = ['id', 'method', 'params'].map((name) => member(value, name))
  if (method === undefined) return checkResponse(value, view)
  if (typeof method !== 'string') throw new MessageError('not_message', id)
  const source = Object.hasOwn(NAME_SOURCES, method) ? NAME_SOURCES[method] : undefined
  const name = source === undefined ? undefined : member(params, source)
  if (method === TOOL_CALL && typeof name !== 'string') throw new MessageError('no_name', id)
  const flaw = headerFlaw(view, { method, name, isNamed: source !== undefined, isRequest: id !== undefined, params })
  if (flaw !== undefined) throw new MessageError(flaw, id)
  const call = method === TOOL_CALL ? bare({ name: name as string, arguments: member(params, 'arguments') }) : undefined
  return { method, call, value }
}

const TOOL_CALL = 'tools/call'

/** The member of `params` that `Mcp-Name` repeats, by method. */
const NAME_SOURCES: Readonly<Record<string, string>> = {
  [TOOL_CALL]: 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

// Clients of earlier revisions answer requests of the server. An answer calls nothing.
function checkResponse(value: object, view: Pick<RequestView, 'header'>): Message {
  const isResponse = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error')
  if (!isResponse) throw new MessageError('not_message', member(value, 'id'))
  if (view.header('mcp-method').length > 0 || view.header('mcp-name').length > 0)
    throw new MessageError('header_mismatch')
  return { method: undefined, call: undefined, value }
}

interface Named {
  readonly method: string
  readonly name: unknown
  /** Whether the method has a name. */
  readonly isNamed: boolean
  /** Whether it is a request, and not a notification. */
  readonly isRequest: boolean
  readonly params: unknown
}

function headerFlaw(
  view: Pick<RequestView, 'header'>,
  { method, name, isNamed, isRequest, params }: Named,
): 'header_mismatch' | 'header_missing' | undefined {
  const methods = view.header('mcp-method')
  const names = view.header('mcp-name')
  if (methods.length > 1 || methods.some((given) => given !== method)) return 'header_mismatch'
  if (isNamed && (names.length > 1 || names.some((given) => decoded(given) !== name))) return 'header_mismatch'
  if (!isRequest || !needsHeaders(view, params)) return undefined
  return methods.length === 0 || (isNamed && typeof name === 'string' && names.length === 0)
    ? 'header_missing'
    : undefined
}

/** The value of a header field; text that is not plain ASCII is sent in base64. */
function decoded(value: string): string | undefined {
  const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(value) ?? []
  if (encoded === undefined) return value
  try {
    return utf8.decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// The header fields exist since this revision. The transport checks that both places name the same one.
const FIRST_WITH_HEADERS = '2026-07-28'
const REVISION = /^\d{4}-\d{2}-\d{2}$/

function needsHeaders(view: Pick<RequestView, 'header'>, params: unknown): boolean {
  const inBody = member(member(params, '_meta'), 'io.modelcontextprotocol/protocolVersion')
  return [...view.header('mcp-protocol-version'), inBody].some(
    (version) => typeof version === 'string' && REVISION.test(version) && version >= FIRST_WITH_HEADERS,
  )
}

/** Own members only, because `Object.prototype` may be polluted. */
function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
