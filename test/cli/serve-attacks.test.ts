import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type DevServer, startDevServer } from '../../packages/cli/src/development/dev-server.ts'

let server: DevServer
let host: string
let kid: unknown
beforeAll(async () => {
  server = await startDevServer(0, {})
  host = new URL(server.origin).host
  kid = server.issuer.jwks().keys[0]?.kid
})
afterAll(() => server.close())

/** Sends bytes as they are, and gives all that comes back until the server closes the connection. */
async function raw(...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  for (const piece of pieces) socket.write(piece)
  await new Promise((resolve) => socket.on('close', resolve))
  return answer
}

const request = (line: string, ...fields: readonly string[]): string =>
  [line, 'Connection: close', ...fields, '', ''].join('\r\n')

const TARGETS = [
  'POST /token HTTP/1.1',
  'POST /bad-tokens HTTP/1.1',
  'POST /rotate HTTP/1.1',
  'POST /outage HTTP/1.1',
  'GET /.well-known/jwks.json HTTP/1.1',
]

describe('a page in a browser', () => {
  it.each<[string, (own: string) => readonly string[]]>([
    ['whose domain has the address 127.0.0.1 (DNS rebinding)', () => ['Host: attacker.example']],
    ['of such a domain, on the same port', (own) => [`Host: attacker.example:${own.split(':')[1]}`]],
    ['of such a domain that begins like the right one', (own) => [`Host: ${own}.attacker.example`]],
    ['that says another port', () => ['Host: 127.0.0.1:1']],
    ['that sends two hosts', (own) => [`Host: ${own}`, 'Host: attacker.example']],
    ['that sends two hosts, the right one last', (own) => ['Host: attacker.example', `Host: ${own}`]],
    ['of another origin', (own) => [`Host: ${own}`, 'Origin: https://attacker.example']],
    ['without an origin, such as a sandboxed frame', (own) => [`Host: ${own}`, 'Origin: null']],
    ['of another program on this machine', (own) => [`Host: ${own}`, 'Origin: http://localhost:3000']],
    ['that claims to be of this server', (own) => [`Host: ${own}`, `Origin: http://${own}`]],
    ['that sends no Origin, as a browser says', (own) => [`Host: ${own}`, 'Sec-Fetch-Site: cross-site']],
    ['of the same site, as a browser says', (own) => [`Host: ${own}`, 'Sec-Fetch-Site: same-site']],
  ])('%s gets nothing', async (_, fields) => {
    for (const line of TARGETS) {
      const answer = await raw(request(line, ...fields(host), 'Content-Length: 0'))
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /)
      expect(answer).not.toMatch(/eyJ|"keys"|access-control/i)
    }
    expect(server.issuer.jwks().keys.map((key) => key.kid)).toEqual([kid])
  })

  it('gets no permission from a preflight, not even for a private network', async () => {
    for (const target of ['/token', '/rotate', '/.well-known/jwks.json']) {
      const fields = ['Origin: https://attacker.example', 'Access-Control-Request-Method: POST']
      const answer = await raw(
        request(
          `OPTIONS ${target} HTTP/1.1`,
          `Host: ${host}`,
          ...fields,
          'Access-Control-Request-Private-Network: true',
        ),
      )
      expect(answer).toMatch(/^HTTP\/1\.1 403 /)
      expect(answer).not.toMatch(/access-control/i)
    }
  })

  it.each(['GET', 'HEAD', 'PUT', 'OPTIONS'])('cannot act by %s', async (method) => {
    const answer = await raw(request(`${method} /rotate HTTP/1.1`, `Host: ${host}`))
    expect(answer).toMatch(/^HTTP\/1\.1 405 /)
    expect(answer).toMatch(/^allow: POST\r$/m)
    expect(server.issuer.jwks().keys).toHaveLength(1)
  })
})

describe('a hostile program', () => {
  const own = (): string => `Host: ${host}`

  it.each<[string, () => readonly (string | Uint8Array)[], RegExp]>([
    ['no Host', () => [request('GET /.well-known/jwks.json HTTP/1.0')], /^HTTP\/1\.1 403 /],
    ['a path of two slashes', () => [request('GET // HTTP/1.1', own())], /^HTTP\/1\.1 404 /],
    ['an absolute address', () => [request(`GET http://${host}/token HTTP/1.1`, own())], /^HTTP\/1\.1 404 /],
    ['the name of a member of every object', () => [request('POST /constructor HTTP/1.1', own())], /^HTTP\/1\.1 404 /],
    ['a path that only begins right', () => [request('POST /rotate/ HTTP/1.1', own())], /^HTTP\/1\.1 404 /],
    ['what is not HTTP', () => ['\u0016\u0003\u0001\u0000', 'x'.repeat(100), '\r\n\r\n'], /^HTTP\/1\.1 400 /],
    // The connection is reset while the rest arrives, so the answer may get lost.
    ['headers without end', () => [`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`], /^(?:HTTP\/1\.1 431 |$)/],
    [
      'a body that is too long',
      () => [request('POST /token HTTP/1.1', own(), 'Content-Length: 70000'), 'x'.repeat(70_000)],
      /^HTTP\/1\.1 413 [^]*"Expected at most 65536 bytes\."/,
    ],
    [
      'chunks without end',
      () => [
        request('POST /token HTTP/1.1', own(), 'Transfer-Encoding: chunked'),
        ...Array.from({ length: 70 }, () => `400\r\n${'x'.repeat(1024)}\r\n`),
      ],
      /^HTTP\/1\.1 413 [^]*"Expected at most 65536 bytes\."/,
    ],
    [
      'a body that is not JSON',
      () => [request('POST /token HTTP/1.1', own(), 'Content-Length: 1'), '{'],
      /^HTTP\/1\.1 400 /,
    ],
    [
      'JSON that is too deep',
      () => [request('POST /token HTTP/1.1', own(), 'Content-Length: 60000'), '['.repeat(60_000)],
      /^HTTP\/1\.1 400 /,
    ],
    [
      'JSON with an own member __proto__',
      () => [request('POST /outage HTTP/1.1', own(), 'Content-Length: 29'), '{"__proto__":{"kind":"html"}}'],
      /^HTTP\/1\.1 200 [^]*"unavailable"/,
    ],
  ])('that sends %s gets an answer, and the issuer goes on', async (_, pieces, expected) => {
    expect(await raw(...pieces())).toMatch(expected)
    await fetch(`${server.origin}/recover`, { method: 'POST' })
    expect((await fetch(server.addresses.jwksUri)).status).toBe(200)
  })

  it('that resets connections at any point does not end the issuer', async () => {
    const whole = request('POST /token HTTP/1.1', own(), 'Content-Length: 20') + '{"claims"'
    for (let length = 1; length <= whole.length; length += 8) {
      const socket = connect(Number(host.split(':')[1]), '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(whole.slice(0, length))
      socket.resetAndDestroy()
    }
    expect((await fetch(server.addresses.jwksUri)).status).toBe(200)
  })
})

it('binds no address but 127.0.0.1', async () => {
  const socket = connect(Number(host.split(':')[1]), '127.0.0.2')
  const error = await new Promise((resolve) => socket.on('error', resolve))
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})

it('has other keys at each start', async () => {
  const other = await startDevServer(0, {})
  const [first, second] = [server, other].map(({ issuer }) => issuer.jwks().keys[0])
  await other.close()
  expect(second?.kid).not.toBe(first?.kid)
  expect(second?.x).not.toBe(first?.x)
})

it('keeps at most five keys, however often it rotates', async () => {
  const other = await startDevServer(0, {})
  const answers: unknown[] = []
  for (let turn = 0; turn < 7; turn++)
    answers.push(await (await fetch(other.addresses.rotate, { method: 'POST' })).json())
  const published = other.issuer.jwks().keys.map((key) => key.kid)
  await other.close()
  expect(published).toHaveLength(5)
  expect(answers.at(-1)).toEqual({ kid: published[0], published })
})
