import { createTestClock } from '@claimgate/testing'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callOf, codeOf, fieldsWith, tokenFor, VERIFYING } from '../support/mcp/requests.ts'
import { FRAMEWORKS, startMcp, type StartedMcp } from '../support/mcp/servers.ts'

const LENGTH = 4096

describe.each(Object.keys(FRAMEWORKS))('49. the message of a request on %s', (framework) => {
  const clock = createTestClock({ wall: Date.now() })
  let server: StartedMcp
  let admin: string
  beforeAll(async () => {
    server = await startMcp(framework, () => ({ ...VERIFYING, bodyLength: LENGTH, bodyTimeout: 3, clock }))
    admin = await tokenFor(server.url.href, { scope: 'mcp:tools mcp:admin' })
  })
  afterAll(() => server.close())

  const post = (body: BodyInit, more: Record<string, string> = {}): Promise<Response> =>
    fetch(server.url, { method: 'POST', headers: fieldsWith(admin, more), body, duplex: 'half' } as RequestInit)

  /** The status and the JSON-RPC error of a refusal, which the transport must not see. */
  const refusal = async (body: BodyInit, more: Record<string, string> = {}): Promise<unknown> => {
    const before = server.received.length
    const response = await post(body, more)
    const found = [response.status, response.status === 200 ? undefined : await codeOf(response)]
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(server.received.length).toBe(before)
    return found
  }

  it.each([
    ['a batch', `[${callOf('purge')}]`, -32_600],
    ['a batch of one call after white space', ` \r\n\t[${callOf('purge')}]`, -32_600],
    ['an empty batch', '[]', -32_600],
    [
      'the name twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"purge"}}',
      -32_600,
    ],
    ['params twice', '{"id":1,"params":{"name":"echo"},"method":"tools/call","params":{"name":"purge"}}', -32_600],
    [
      'the name twice, once with an escape',
      '{"id":1,"method":"tools/call","params":{"name":"echo","n\\u0061me":"purge"}}',
      -32_600,
    ],
    ['the method twice', '{"id":1,"method":"tools/list","method":"tools/call","params":{"name":"purge"}}', -32_600],
    [
      'a member __proto__',
      '{"id":1,"method":"tools/call","params":{"name":"echo","__proto__":{"name":"purge"}}}',
      -32_600,
    ],
    ['JSON that is nested too deeply', `{"id":1,"method":"a","params":${'['.repeat(70)}${']'.repeat(70)}}`, -32_600],
    ['no JSON', 'tools/call', -32_700],
    ['half a message', callOf('echo').slice(0, -1), -32_700],
    ['nothing', '', -32_700],
    ['a byte order mark', `\ufeff${callOf('echo')}`, -32_700],
    ['bytes that are not UTF-8', Buffer.from('{"id":1,"method":"a\xff"}', 'latin1'), -32_700],
    ['text', '"tools/call"', -32_700],
    ['null', 'null', -32_700],
    ['a method that is a list', '{"id":1,"method":["tools/call"],"params":{"name":"purge"}}', -32_600],
    ['no method', '{"jsonrpc":"2.0","id":1,"params":{"name":"purge"}}', -32_600],
    ['a name that is a list', callOf('x', { params: { name: ['purge'] } }), -32_602],
    ['no name', callOf('x', { params: {} }), -32_602],
    ['params that are a list', callOf('x', { params: ['purge'] }), -32_602],
  ])('is refused if it is %s', async (_, body, code) => {
    expect(await refusal(body)).toEqual([400, code])
  })

  it.each([
    ['text/plain', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['another JSON type', 'application/json-patch+json'],
    ['another charset', 'application/json; charset=utf-16'],
  ])('is refused as %s', async (_, type) => {
    expect(await refusal(callOf('echo'), { 'content-type': type })).toEqual([415, -32_600])
  })

  it.each([
    ['application/json; charset=utf-8'],
    ['APPLICATION/JSON;charset="UTF-8"'],
    ['application/json ; charset=utf-8'],
  ])('is accepted as %s', async (type) => {
    expect((await post(callOf('echo'), { 'content-type': type })).status).toBe(200)
  })

  it('is refused if it is compressed', async () => {
    for (const coding of ['gzip', 'GZIP', 'br', 'gzip, identity'])
      expect([coding, await refusal(gzipSync(callOf('echo')), { 'content-encoding': coding })]).toEqual([
        coding,
        [415, -32_600],
      ])
    expect((await post(callOf('echo'), { 'content-encoding': 'identity' })).status).toBe(200)
  })

  it('may have as many bytes as the limit, and no more, with and without a declared length', async () => {
    const exact = callOf('echo').padEnd(LENGTH, ' ')
    const stream = (text: string): ReadableStream => new Blob([text]).stream()
    expect((await post(exact)).status).toBe(200)
    expect((await post(stream(exact))).status).toBe(200)
    expect(await refusal(`${exact} `)).toEqual([413, -32_600])
    expect(await refusal(stream(`${exact} `))).toEqual([413, -32_600])
  })

  it('reaches the transport as it was sent', async () => {
    const text = 'ä "quoted" \\ \u2028 🙂'
    const response = await post(callOf('echo', { params: { name: 'echo', arguments: { text } } }))
    expect(await response.text()).toContain(JSON.stringify(text).slice(1, -1))
  })

  it('may be a notification, or a response of an earlier revision', async () => {
    expect((await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).status).toBe(202)
    expect((await post('{"jsonrpc":"2.0","id":1,"result":{}}')).status).toBe(202)
  })

  it('is refused as a response if a header field calls it a request', async () => {
    for (const [name, value] of Object.entries({ 'mcp-name': 'purge', 'mcp-method': 'tools/call' }))
      expect([name, await refusal('{"jsonrpc":"2.0","id":1,"result":{}}', { [name]: value })]).toEqual([
        name,
        [400, -32_020],
      ])
  })

  it('names the id of the refused message, and only that', async () => {
    const response = await post(callOf('x', { id: 'call-9', params: { name: 7 } }))
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 'call-9',
      error: { code: -32_602, message: 'Invalid params: the name must be a string' },
    })
  })

  it('needs the scope of the tool also as a notification', async () => {
    const headers = fieldsWith(await tokenFor(server.url.href))
    const body = callOf('purge', { id: undefined })
    expect((await fetch(server.url, { method: 'POST', headers, body })).status).toBe(403)
  })

  it('comes with POST only', async () => {
    const before = server.received.length
    for (const method of ['PUT', 'PATCH']) {
      const response = await fetch(server.url, { method, headers: fieldsWith(admin), body: callOf('echo') })
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST, GET, DELETE'])
    }
    for (const method of ['DELETE', 'OPTIONS']) {
      const response = await fetch(server.url, { method, headers: fieldsWith(admin), body: callOf('echo') })
      expect([method, response.status]).toEqual([method, 400])
    }
    expect(server.received.length).toBe(before)
    expect((await fetch(server.url, { headers: fieldsWith(admin) })).status).toBe(405)
    expect(server.received.at(-1)).toBe('GET')
  })

  /** Sends the head of a request, and a part of its body. */
  const sendPart = async (
    part: string,
    length: number | 'chunked' = LENGTH,
    more: readonly string[] = [],
  ): Promise<Socket> => {
    const fields = Object.entries(fieldsWith(admin)).map(([name, value]) => `${name}: ${value}`)
    const framing = length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${length}`
    const socket = connect({ host: '127.0.0.1', port: server.port })
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write([`POST /mcp HTTP/1.1`, `host: 127.0.0.1`, ...fields, ...more, framing, '', part].join('\r\n'))
    return socket
  }
  const statusOf = async (socket: Socket): Promise<string> => {
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    await new Promise((resolve) => socket.once('close', resolve))
    return answer.split(' ')[1] ?? ''
  }

  it('is refused before it arrives if its declared length is over the limit', async () => {
    expect(await statusOf(await sendPart('', LENGTH + 1))).toBe('413')
  })

  it('is refused if a header field about it is repeated', async () => {
    const body = callOf('echo')
    for (const [name, value] of [
      ['mcp-name', 'echo'],
      ['mcp-method', 'tools/call'],
    ]) {
      const before = server.received.length
      const fields = [`${name}: ${value}`, `${name}: ${value}`, 'connection: close']
      expect([name, await statusOf(await sendPart(body, body.length, fields))]).toEqual([name, '400'])
      expect(server.received.length).toBe(before)
    }
  })

  it('is refused if it does not arrive in time', async () => {
    const before = server.received.length
    const socket = await sendPart('{"id":1,')
    const status = statusOf(socket)
    // The server reads the part before its deadline begins to count.
    const timer = setInterval(() => clock.advance(3000), 5)
    expect(await status).toBe('408')
    clearInterval(timer)
    expect(server.received.length).toBe(before)
  })

  it('is refused if it has no end', async () => {
    const before = server.received.length
    const socket = await sendPart('', 'chunked')
    const status = statusOf(socket)
    const pour = (): void => {
      while (socket.writable && socket.write(`3e8\r\n${' '.repeat(1000)}\r\n`));
    }
    socket.on('drain', pour)
    pour()
    expect(['413', '']).toContain(await status)
    expect(server.received.length).toBe(before)
  })

  it('never reaches the transport if the client disconnects before its end', async () => {
    const before = server.received.length
    const socket = await sendPart(callOf('purge'), callOf('purge').length + 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.resetAndDestroy()
    expect((await post(callOf('echo'))).status).toBe(200)
    expect(server.received.slice(before)).toEqual(['tools/call'])
  })
})
