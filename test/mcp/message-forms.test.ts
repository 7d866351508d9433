import { BodyError, systemClock } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'
import { checkBodyFields, type Chunks, readMessage } from '../../packages/mcp/src/body.ts'
import { declaresBody, type Endpoint, isForEndpoint } from '../../packages/mcp/src/endpoint.ts'
import { checkMessage, parseMessage } from '../../packages/mcp/src/message.ts'
import { MessageError, type MessageFlaw } from '../../packages/mcp/src/message-error.ts'
import { request } from '../support/core/refusal.ts'

const LIMITS = { most: 1000, seconds: 5, clock: systemClock }
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { a: 1 } } }

/** The flaw of a message and its `id`, or what `read` returns. */
function flawOf(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof MessageError) return [error.flaw, error.id]
    throw error
  }
}

const parsed = (text: string | Uint8Array, fields = {}): unknown =>
  flawOf(() => parseMessage(typeof text === 'string' ? new TextEncoder().encode(text) : text, request(fields)))
const checked = (value: unknown, fields = {}): unknown => flawOf(() => checkMessage(value, request(fields)))

describe('49. the text of a message', () => {
  it('is one object, which the transport gets with its prototypes', () => {
    const message = parsed(` \t\r\n${JSON.stringify(CALL)}`) as { call: object; value: object }
    expect(message).toEqual({ method: 'tools/call', call: { name: 'echo', arguments: { a: 1 } }, value: CALL })
    expect(Object.getPrototypeOf(message.value)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(message.call)).toBeNull()
  })

  it.each<readonly [string, string | Uint8Array, MessageFlaw]>([
    ['a batch', `[${JSON.stringify(CALL)}]`, 'batch'],
    ['a batch after white space', ' \t\r\n[]', 'batch'],
    ['a member twice', '{"id":1,"id":2}', 'not_strict'],
    ['a member __proto__', '{"id":1,"__proto__":{}}', 'not_strict'],
    ['64 levels and one more', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'not_strict'],
    ['no JSON', 'tools/call', 'not_json'],
    ['half of it', '{"id":1', 'not_json'],
    ['nothing', '', 'not_json'],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'not_json'],
  ])('is refused if it is %s', (_, text, flaw) => {
    expect(parsed(text)).toEqual([flaw, null])
  })

  it('may be nested 64 levels deep, and have as many members as fit', () => {
    expect(parsed(`{"method":"a","params":${'['.repeat(63)}${']'.repeat(63)}}`)).toMatchObject({ method: 'a' })
    const params = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`m${index}`, [index]]))
    expect(parsed(JSON.stringify({ method: 'a', params }))).toMatchObject({ method: 'a' })
  })
})

describe('49. the form of a message', () => {
  it.each<readonly [string, unknown, MessageFlaw, unknown]>([
    ['a list', [CALL], 'batch', null],
    ['null', null, 'not_message', null],
    ['a text', 'tools/call', 'not_message', null],
    ['nothing', undefined, 'not_message', null],
    ['a method that is a list', { ...CALL, method: ['tools/call'] }, 'not_message', 1],
    ['no method, and no result', { jsonrpc: '2.0', id: 'a' }, 'not_message', 'a'],
    ['an id that is an object', { id: {} }, 'not_message', null],
    ['no name of a tool', { ...CALL, params: {} }, 'no_name', 1],
    ['no params', { ...CALL, params: undefined }, 'no_name', 1],
    ['a name that is a list', { ...CALL, params: { name: ['echo'] } }, 'no_name', 1],
    ['an inherited name', { ...CALL, params: Object.create({ name: 'echo' }) as object }, 'no_name', 1],
  ])('cannot be %s', (_, value, flaw, id) => {
    expect(checked(value)).toEqual([flaw, id])
  })

  it.each<readonly [string, object, object]>([
    [
      'a call without arguments',
      { ...CALL, params: { name: 'echo' } },
      { method: 'tools/call', call: { name: 'echo', arguments: undefined } },
    ],
    ['another method', { id: 1, method: 'tools/list' }, { method: 'tools/list', call: undefined }],
    [
      'a method with the name of an inherited member',
      { id: 1, method: 'toString' },
      { method: 'toString', call: undefined },
    ],
    ['a result', { id: 1, result: {} }, { method: undefined, call: undefined }],
    ['an error', { id: 1, error: {} }, { method: undefined, call: undefined }],
  ])('may be %s', (_, value, message) => {
    expect(checked(value)).toEqual({ ...message, value })
  })
})

describe('49. the header fields of a message', () => {
  const MISMATCH = ['header_mismatch', 1]
  const MISSING = ['header_missing', 1]
  const PASSED = { method: CALL.method }
  const named = (method: string, params: object): object => ({ id: 1, method, params })
  const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`
  const now = { 'mcp-protocol-version': '2026-07-28' }
  const both = { 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

  it.each<readonly [string, object, object, unknown]>([
    ['none', CALL, {}, PASSED],
    ['those of the message', CALL, both, PASSED],
    ['another method', CALL, { 'mcp-method': 'tools/list' }, MISMATCH],
    ['the method in another case', CALL, { 'mcp-method': 'Tools/Call' }, MISMATCH],
    ['the method twice', CALL, { 'mcp-method': ['tools/call', 'tools/call'] }, MISMATCH],
    ['another name', CALL, { 'mcp-name': 'purge' }, MISMATCH],
    ['the name twice', CALL, { 'mcp-name': ['echo', 'echo'] }, MISMATCH],
    ['the name in base64', CALL, { 'mcp-name': base64('echo') }, PASSED],
    ['another name in base64', CALL, { 'mcp-name': base64('purge') }, MISMATCH],
    ['a name that is not ASCII', named('tools/call', { name: 'é' }), { 'mcp-name': base64('é') }, PASSED],
    ['base64 that is none', CALL, { 'mcp-name': '=?base64?*?=' }, MISMATCH],
    ['base64 that is not UTF-8', CALL, { 'mcp-name': '=?base64?/w==?=' }, MISMATCH],
    ['text around base64', CALL, { 'mcp-name': `x${base64('echo')}` }, MISMATCH],
    ['text after base64', CALL, { 'mcp-name': `${base64('echo')}x` }, MISMATCH],
    ['the name of a prompt', named('prompts/get', { name: 'a' }), { 'mcp-name': 'b' }, MISMATCH],
    ['the address of a resource', named('resources/read', { uri: 'a' }), { 'mcp-name': 'b' }, MISMATCH],
    ['the same address', named('resources/read', { uri: 'a' }), { 'mcp-name': 'a' }, { method: 'resources/read' }],
    ['a task', named('tasks/get', { taskId: 'a' }), { 'mcp-name': 'b' }, MISMATCH],
    ['a task to update', named('tasks/update', { taskId: 'a' }), { 'mcp-name': 'b' }, MISMATCH],
    ['a task to cancel', named('tasks/cancel', { taskId: 'a' }), { 'mcp-name': 'b' }, MISMATCH],
    ['a name for a method without one', named('tools/list', {}), { 'mcp-name': 'b' }, { method: 'tools/list' }],
    ['none, in the revision that needs them', CALL, now, MISSING],
    ['both, in that revision', CALL, { ...now, ...both }, PASSED],
    ['no name, in that revision', CALL, { ...now, 'mcp-method': 'tools/call' }, MISSING],
    ['no method, in that revision', CALL, { ...now, 'mcp-name': 'echo' }, MISSING],
    [
      'no name for a method without one',
      named('tools/list', {}),
      { ...now, 'mcp-method': 'tools/list' },
      { method: 'tools/list' },
    ],
    [
      'no name if the message has none',
      named('tasks/get', {}),
      { ...now, 'mcp-method': 'tasks/get' },
      { method: 'tasks/get' },
    ],
    ['none for a notification', { ...CALL, id: undefined }, now, PASSED],
    ['none, in an earlier revision', CALL, { 'mcp-protocol-version': '2026-07-27' }, PASSED],
    ['none, in a later revision', CALL, { 'mcp-protocol-version': '2027-01-01' }, MISSING],
    ['none, in something else', CALL, { 'mcp-protocol-version': '2027-01-01x' }, PASSED],
    ['none, before something else', CALL, { 'mcp-protocol-version': 'x2027-01-01' }, PASSED],
    [
      'none, in a revision that the body names',
      named('tools/call', { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }),
      {},
      MISSING,
    ],
    [
      'none, with a revision that is a number',
      named('tools/call', { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': 20_270_101 } }),
      {},
      PASSED,
    ],
    ['a method for a result', { id: 1, result: {} }, { 'mcp-method': 'tools/call' }, ['header_mismatch', null]],
    ['a name for a result', { id: 1, result: {} }, { 'mcp-name': 'echo' }, ['header_mismatch', null]],
  ])('with %s', (_, value, fields, expected) => {
    const found = checked(value, fields)
    if (Array.isArray(expected)) expect(found).toEqual(expected)
    else expect(found).toMatchObject(expected as object)
  })
})

describe('49. the fields of a body', () => {
  const json = { 'content-type': 'application/json' }
  it.each<readonly [string, object, MessageFlaw | undefined]>([
    ['JSON', json, undefined],
    ['JSON in UTF-8', { 'content-type': 'Application/JSON ;\tcharset = "UTF-8" ' }, undefined],
    ['nothing', {}, 'content_type'],
    ['two types', { 'content-type': ['application/json', 'application/json'] }, 'content_type'],
    ['another type', { 'content-type': 'text/json' }, 'content_type'],
    ['text before the type', { 'content-type': 'x application/json' }, 'content_type'],
    ['text after the type', { 'content-type': 'application/json5' }, 'content_type'],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }, 'content_type'],
    ['compression', { ...json, 'content-encoding': 'gzip' }, 'content_coding'],
    ['some compression', { ...json, 'content-encoding': ['identity', 'br'] }, 'content_coding'],
    ['no compression', { ...json, 'content-encoding': 'Identity' }, undefined],
    ['a length at the limit', { ...json, 'content-length': '1000' }, undefined],
    ['a length over the limit', { ...json, 'content-length': '1001' }, 'too_large'],
  ])('declare %s', (_, fields, flaw) => {
    const found = flawOf(() => checkBodyFields(request(fields as Record<string, string>), LIMITS))
    expect(found).toEqual(flaw && [flaw, null])
  })

  it.each([
    [{}, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'transfer-encoding': 'chunked' }, true],
  ])('%j say whether there is a body', (fields, expected) => {
    expect(declaresBody(request(fields as Record<string, string>))).toBe(expected)
  })
})

describe('49. the chunks of a body', () => {
  const chunksOf = (...values: readonly unknown[]): Chunks => {
    const left = [...values]
    return { next: async () => (left.length > 0 ? { value: left.shift() } : { done: true }) }
  }

  it('are bytes or text', async () => {
    const bytes = await readMessage(chunksOf('a', Uint8Array.of(98), 'é'), LIMITS)
    expect(new TextDecoder().decode(bytes)).toBe('abé')
  })

  it.each<readonly [string, Chunks, MessageFlaw]>([
    ['too many', chunksOf('a'.repeat(1001)), 'too_large'],
    ['something else', chunksOf(1), 'unreadable'],
    ['broken off', { next: () => Promise.reject(new Error('gone')) }, 'unreadable'],
    ['too slow', { next: () => Promise.reject(new BodyError('too_slow', 'x')) }, 'too_slow'],
  ])('are refused if they are %s', async (_, chunks, flaw) => {
    await expect(readMessage(chunks, LIMITS)).rejects.toMatchObject({ name: 'MessageError', flaw })
  })
})

describe('49. the path of an endpoint', () => {
  it.each([
    ['/mcp', '/mcp', true],
    ['/mcp?a=1', '/mcp', true],
    ['/mcp#a', '/mcp', true],
    ['https://api.example/mcp?a', '/mcp', true],
    ['https://api.example', '/', true],
    ['?a', '/', true],
    ['/x/https://api.example/mcp', '/mcp', false],
    ['/mcp/', '/mcp', false],
    ['/MCP', '/mcp', false],
    ['/%6dcp', '/mcp', false],
    ['/', '/mcp', false],
  ])('of %s is compared with %s', (target, path, expected) => {
    expect(isForEndpoint({ path } as Endpoint, { target })).toBe(expected)
  })
})

describe('49. the refusal of a message', () => {
  const plain = { 'cache-control': 'no-store', 'content-type': 'application/json' }
  const closing = { ...plain, connection: 'close' }

  it.each<readonly [MessageFlaw, number, number, object]>([
    ['content_type', 415, -32_600, plain],
    ['content_coding', 415, -32_600, { ...plain, 'accept-encoding': 'identity' }],
    ['too_large', 413, -32_600, closing],
    ['too_slow', 408, -32_600, closing],
    ['unreadable', 400, -32_700, closing],
    ['not_json', 400, -32_700, plain],
    ['not_strict', 400, -32_600, plain],
    ['batch', 400, -32_600, plain],
    ['not_message', 400, -32_600, plain],
    ['no_name', 400, -32_602, plain],
    ['header_mismatch', 400, -32_020, plain],
    ['header_missing', 400, -32_020, plain],
    ['body_of_method', 400, -32_600, plain],
    ['method', 405, -32_000, { ...plain, allow: 'POST, GET, DELETE' }],
    ['origin', 403, -32_000, plain],
  ])('%s has the status %i, the code %i and its headers', (flaw, status, code, headers) => {
    const { message, response } = new MessageError(flaw, 'a')
    expect({ ...response.headers }).toEqual(headers)
    expect(response.status).toBe(status)
    expect(JSON.parse(response.body)).toEqual({ jsonrpc: '2.0', id: 'a', error: { code, message } })
  })

  it.each([
    [1, 1],
    ['a', 'a'],
    [undefined, null],
    [{}, null],
    [true, null],
  ])('with the id %j has the id %j', (id, expected) => {
    expect(new MessageError('batch', id).id).toBe(expected)
  })
})
