import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createLogoutEndpoint, createSecurityEventEndpoint } from '@claimgate/core/revocation'
import { createTestClock } from '@claimgate/testing'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { RequestBody, RevocationResponse } from '../../../packages/core/src/revocation/endpoint.ts'
import { nodeBody } from '../../../packages/core/src/revocation/node-body.ts'
import { ISSUER, NOW, request } from '../../support/core/refusal.ts'
import { CLIENT, eventToken, FORM, keys, logoutToken, RECEIVER } from '../../support/revocation/world.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const formOf = async (): Promise<string> => `logout_token=${await logoutToken()}`

function createEndpoints() {
  const lines: string[] = []
  const clock = createTestClock({ wall: NOW * 1000 })
  const common = {
    issuer: ISSUER,
    denylist: denylist({ store: createMemoryDenylist(), clock }),
    jwks: { keys: [keys.publicJwk] },
    clock,
    log: { warn: (line: string): void => void lines.push(line) },
  }
  const logout = createLogoutEndpoint({ ...common, clientId: CLIENT })
  const events = createSecurityEventEndpoint({ ...common, audience: RECEIVER, authenticate: null })
  const logOut = (body: RequestBody, type: string | readonly string[] = FORM): Promise<RevocationResponse> =>
    logout.receive(request({ 'content-type': type }, { method: 'POST' }), body)
  const push = (body: RequestBody): Promise<RevocationResponse> =>
    events.receive(request({ 'content-type': 'application/secevent+jwt' }, { method: 'POST' }), body)
  return { clock, lines, logOut, push }
}

describe('44. The body of a logout request', () => {
  it.each<readonly [string, (form: string) => unknown, number]>([
    ['a text', (form) => form, 200],
    ['bytes', bytes, 200],
    ['a parsed form', (form) => Object.fromEntries(new URLSearchParams(form)), 200],
    ['a parsed form with the field twice', (form) => ({ logout_token: [form.slice(13), form.slice(13)] }), 400],
    ['a parsed form with the field in a list', (form) => ({ logout_token: [form.slice(13)] }), 400],
    ['a parsed form without the field', () => ({}), 400],
    ['null', () => null, 400],
    ['a number', () => 1, 400],
    ['a function', (form) => Object.assign(() => 1, { logout_token: form.slice(13) }), 400],
    ['nothing', () => undefined, 503],
  ])('may have been read by a parser, as %s: %s', async (_, parsed, status) => {
    const { logOut, lines } = createEndpoints()
    const answer = await logOut({ parsed: parsed(await formOf()) })
    expect([answer.status, answer.headers['cache-control'], lines.length]).toEqual([
      status,
      'no-store',
      Number(status !== 200),
    ])
    if (status === 400) expect(lines.join()).toContain('exactly one \\"logout_token\\", as text')
  })

  it.each<readonly [string, (form: string) => readonly unknown[], number, string]>([
    ['in chunks', (form) => form.split('').map(bytes), 200, ''],
    ['with text in place of bytes', (form) => [form], 400, 'a body that can be read to its end'],
    ['of more than 64 KiB', (form) => [bytes(form), bytes(`&a=${'a'.repeat(65_536)}`)], 413, 'at most 65536 bytes'],
  ])('may be read from a stream: %s', async (_, chunks, status, why) => {
    const { logOut, lines } = createEndpoints()
    const given = chunks(await formOf()).values()
    const answer = await logOut({ next: async () => given.next() })
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, 'no-store'])
    if (status === 413) expect(answer.body).toBe('')
    expect(lines.join()).toContain(why)
  })

  it('that does not end is refused with 408 after 5 s', async () => {
    const { logOut, clock, lines } = createEndpoints()
    const answer = logOut({ next: () => new Promise(() => {}) })
    await clock.advanceAsync(5000)
    expect(await answer).toEqual({ status: 408, headers: { 'cache-control': 'no-store' }, body: '' })
    expect(lines.join()).toContain('a body within 5 s')
  })

  it.each([
    ['of one content type with parameters', `${FORM} ; charset=UTF-8`, 200],
    ['of two content types', [FORM, FORM], 400],
    ['of no content type', [], 400],
  ])('must be a form: %s', async (_, type, status) => {
    expect((await createEndpoints().logOut({ parsed: await formOf() }, type)).status).toBe(status)
  })
})

describe('44. The body of a security event', () => {
  it.each<readonly [string, (token: string) => unknown, number]>([
    ['text with a line break', (token) => ` ${token}\r\n`, 202],
    ['bytes', bytes, 202],
    ['an object', (token) => ({ token }), 400],
  ])('may have been read by a parser, as %s', async (_, parsed, status) => {
    const { push, lines } = createEndpoints()
    const answer = await push({ parsed: parsed(await eventToken()) })
    expect([answer.status, answer.headers['content-language']]).toEqual([status, status === 400 ? 'en' : undefined])
    expect(lines.join()).toContain(status === 400 ? 'expected "a token as body"' : '')
  })
})

describe('44. The body of a request of Node', () => {
  const read = async (body: RequestBody): Promise<unknown> => {
    if ('parsed' in body) return body
    const chunks: unknown[] = []
    for (let next = await body.next(); next.done !== true; next = await body.next()) chunks.push(String(next.value))
    return chunks
  }

  it('is read from its stream, and leaving early does not destroy it', async () => {
    const stream = Readable.from([Buffer.from('a'), Buffer.from('b')])
    expect(await read(nodeBody(stream, 'parsed'))).toEqual(['a', 'b'])
    const given: unknown[] = []
    nodeBody({ iterator: (options) => (given.push(options), stream.iterator()) }, undefined)
    expect(given).toEqual([{ destroyOnReturn: false }])
  })

  it.each(['readableDidRead', 'readableEnded'])('is what another middleware has left, after %s', async (flag) => {
    const iterator = (): never => expect.unreachable()
    expect(await read(nodeBody({ [flag]: true, iterator }, 'parsed'))).toEqual({ parsed: 'parsed' })
  })
})
