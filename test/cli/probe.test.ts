import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authenticateJwt } from '@claimgate/express'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { BadTokenList } from '../../packages/cli/src/development/bad-token-list.ts'
import { type DevServer, startDevServer } from '../../packages/cli/src/development/dev-server.ts'
import { sender } from '../../packages/cli/src/probe/send.ts'
import { atTerminal, hasScript } from '../support/cli/at-terminal.ts'
import { inJson, inProcess, withoutProgress } from '../support/cli/run-cli.ts'

const audience = 'orders-api'
const servers: Server[] = []
const closing: { close(): unknown }[] = []
let issuer: DevServer
let port: string
// A `serve` with few bad tokens, for APIs whose answers do not depend on them.
let few: BadTokenList
let fewPort: string
let folder: string

beforeAll(async () => {
  issuer = await startDevServer(0, { audience })
  port = new URL(issuer.origin).port
  folder = await mkdtemp(join(tmpdir(), 'claimgate-probe-'))
  few = await issuer.issuer.badTokens().then(({ good: token, bad }) => ({ good: token, bad: bad.slice(0, 20) }))
  fewPort = await serving(few)
})
afterAll(async () => {
  await issuer.close()
  for (const server of servers) server.closeAllConnections()
  for (const server of [...servers, ...closing]) server.close()
  await rm(folder, { recursive: true })
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`
}

/** A program that answers JSON to every request, as `serve` does. Gives its port. */
const serving = async (answer: object): Promise<string> =>
  new URL(await listen((_request, response) => response.end(JSON.stringify(answer)))).port

/** A server that answers every request with these bytes. */
async function answering(bytes: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(bytes))
  }).listen(0, '127.0.0.1')
  closing.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`
}

/** An API that answers the status for each token. */
const api = (statusOf: (token: string) => number | Promise<number>): Promise<string> =>
  listen((request, response) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    const status = token === undefined ? 401 : Promise.resolve(token).then(statusOf)
    void Promise.resolve(status).then((found) => response.writeHead(found).end())
  })

/** The same, with a check that throws for tokens it refuses. */
const checking = (check: (token: string) => unknown): Promise<string> =>
  api((token) =>
    Promise.resolve(token)
      .then(check)
      .then(
        () => 200,
        () => 401,
      ),
  )

/** An API that reads claims without verifying anything. */
const decoding = (): Promise<string> => checking((token) => decodeJwt(token))

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'

const good = async (): Promise<string> => (await issuer.issuer.mint()).token
interface Report {
  readonly letIn: readonly { readonly name: string; readonly status: number }[]
  readonly unclear: readonly { readonly name: string; readonly status?: number; readonly failure?: string }[]
  readonly refused: number
  readonly unsent: readonly string[]
  readonly signedBy: string
}

async function probed(
  url: string,
  args: readonly string[] = ['--port', port],
  token = '',
): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, found } = await inJson(['probe', url, ...args], token)
  return { code, report: found as unknown as Report }
}

describe('claimgate probe', () => {
  it('finds that an Express API with Claimgate refuses every bad token', async () => {
    const app = express()
    app.use(authenticateJwt({ issuer: issuer.origin, audience }))
    app.get('/me', (_request, response) => void response.json({}))
    const { code, stdout, stderr } = await inProcess(['probe', await listen(app), '--port', port])
    expect(stdout).toMatch(/^Sent 3\d\d bad tokens to http:\/\/127\.0\.0\.1:\d+\/me \(127\.0\.0\.1\)\n/)
    expect(stdout).toMatch(/✓ +18\/18 refused {2}unsigned \(alg "none"\)/)
    expect(stdout).toContain('The API refused all of them.')
    expect(stdout).not.toMatch(/let in|unclear/)
    expect({ code, stderr: withoutProgress(stderr) }).toEqual({ code: 0, stderr: '' })
  })

  it('catches only what a good library is told not to check: exp, and which audience', async () => {
    const keys = createRemoteJWKSet(new URL(issuer.addresses.jwksUri))
    const url = await checking((token) =>
      jwtVerify(token, keys, { issuer: issuer.origin, currentDate: new Date(0), algorithms: ['ES256'] }),
    )
    const { code, report } = await probed(url)
    expect(code).toBe(1)
    const names = report.letIn.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['exp an hour ago', 'exp ten minutes ago', 'aud of another API', 'aud missing']),
    )
    expect(names.filter((name) => /^alg|^HS|^signature|^claims tampered|^iss /.test(name))).toEqual([])
  })

  it('catches an API that decodes without verifying: it names what was let in, a few of each subject, and how to try one', async () => {
    const { code, stdout } = await inProcess(['probe', await decoding(), '--port', port])
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ +\d+\/35 refused {2}expired, not yet valid/)
    for (const name of [
      'alg "none" with an empty signature',
      'claims tampered with',
      'exp an hour ago',
      'HS256 with the PEM as secret',
      'aud missing',
    ])
      expect(stdout).toContain(`let in  ${name}  status 200\n`)
    expect(stdout).toMatch(/and \d+ more; --json names all/)
    expect(stdout).toContain("claimgate mint --bad '")
    // Every token is in a subject with a title.
    const [, sent] = /^Sent (\d+)/.exec(stdout) ?? []
    const counted = [...stdout.matchAll(/\/(\d+) refused/g)].map(([, count]) => Number(count))
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(Number(sent))
  })
})

describe('claimgate probe cannot say', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    ['if the good token is refused too', () => api(() => 401), /does not let the good token in: status 401/],
    [
      'if the route needs no token',
      () => listen((_request, response) => response.end()),
      /answers status 200 without a token/,
    ],
    ['if nothing listens', async () => 'http://127.0.0.1:1/', /does not answer: ECONNREFUSED/],
    ['if the answer never comes', () => listen(() => undefined), /does not answer: no answer in time/],
    ['if the route is not there', () => api(() => 404), /does not let the good token in: status 404/],
    ['if it answers with another protocol', () => answering(SWITCHING), /does not answer: no answer\./],
    ['if it answers what is not HTTP', () => answering('\u001b[2J\r\n\r\n'), /does not answer: HPE_INVALID_CONSTANT/],
  ])('%s', async (_, start, message) => {
    const { code, stdout, stderr } = await inProcess(['probe', await start(), '--port', fewPort, '--timeout', '1'])
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([2, ''])
  })

  it('if bad tokens get status 500 or 302, which are no refusals', async () => {
    let requests = 0
    const url = await api((sent) => (sent === few.good ? 200 : ++requests % 2 === 0 ? 500 : 302))
    const { code, report } = await probed(url, ['--port', fewPort])
    expect(code).toBe(2)
    expect({ letIn: report.letIn, refused: report.refused }).toEqual({ letIn: [], refused: 0 })
    expect(new Set(report.unclear.map(({ status }) => status))).toEqual(new Set([500, 302]))
  })

  it.each<[string, object]>([
    ['a header that is none', { good: 'x', bad: [], header: 'a b' }],
    ['more than a list', { good: 'x', bad: [], more: 'x'.repeat(9_000_000) }],
  ])('if another program is in the place of serve and answers with %s', async (_, answer) => {
    const { code, stderr } = await inProcess(['probe', 'http://127.0.0.1:1/', '--port', await serving(answer)])
    expect(stderr).toMatch(/^claimgate: What answers on port \d+ of 127\.0\.0\.1 is not claimgate serve\.\n$/)
    expect(code).toBe(2)
  })

  it('if another program is in the place of serve and answers with another protocol', async () => {
    const { port: other } = new URL(await answering(SWITCHING))
    const { code, stderr } = await inProcess(['probe', 'http://127.0.0.1:1/', '--port', other])
    expect(stderr).toContain('is not claimgate serve')
    expect(code).toBe(2)
  })

  it('if a header field cannot carry the good token', async () => {
    const { code, stderr } = await inProcess(['probe', await decoding(), '--own-token'], `${await good()}\u20ac`)
    expect(stderr).toMatch(/^claimgate: A header field cannot carry the good token/)
    expect(code).toBe(2)
  })

  it('if the API locks out clients: its refusals then say nothing', async () => {
    let requests = 0
    const url = await api(() => (++requests < 30 ? (requests === 1 ? 200 : 401) : 403))
    const { code, stderr } = await inProcess(['probe', url, '--own-token'], await good())
    expect(stderr).toMatch(/no longer lets the good token in: status 40[13]/)
    expect(code).toBe(2)
  })

  it('if the API stops answering, and sends no more', async () => {
    let requests = 0
    const url = await listen((request, response) => {
      requests += 1
      if (request.headers.authorization === undefined) response.writeHead(401).end()
      else if (requests === 2) response.end()
      else request.socket.destroy()
    })
    const { code, stderr } = await inProcess(['probe', url, '--port', fewPort])
    expect(stderr).toMatch(/no longer answers: ECONNRESET\. The last token was: /)
    expect(code).toBe(2)
    expect(requests).toBeLessThan(20)
  })

  it('takes the answer without a token as a refusal too, such as a redirect to a login', async () => {
    let followed = 0
    const login = await listen((_request, response) => {
      followed += 1
      response.end()
    })
    const url = await listen((request, response) => {
      if (request.headers.authorization === `Bearer ${few.good}`) response.end()
      else response.writeHead(302, { location: login }).end()
    })
    const { code } = await probed(url, ['--port', fewPort])
    expect({ code, followed }).toEqual({ code: 0, followed: 0 })
  })
})

describe('claimgate probe with a token of your own', () => {
  it('sends only what needs no key of the issuer', async () => {
    const { code, report } = await probed(await decoding(), ['--own-token'], await good())
    expect(code).toBe(1)
    const names = report.letIn.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'alg "none" with an empty signature',
        'claims tampered with',
        'jwk of the attacker, no kid',
      ]),
    )
    expect(names.filter((name) => /^exp|^aud|^iss|^HS|^duplicate/.test(name))).toEqual([])
    expect(report.signedBy).toBe('nothing')
    // A header field would change these.
    expect(report.unsent).toEqual(expect.arrayContaining(['a newline after the token', 'a space before the token']))
    expect(report.unsent.length).toBeLessThan(40)
  })

  it.runIf(hasScript)('asks for it at a terminal, and shows nothing of it', async () => {
    const token = await good()
    const url = await api((sent) => (sent === token ? 200 : 401))
    const { code, shown } = await atTerminal(['probe', url, '--own-token'], { typed: `${token}\r` })
    expect(code).toBe(0)
    expect(shown).toMatch(/^Token \(not shown\): \r\n/)
    expect(shown).toContain('The API refused all of them.')
    expect(shown).not.toContain(token.slice(0, 20))
  })

  it('sends all with the private key of the token', async () => {
    const keys = await createTestKeys('ES256', { kid: 'mine', generation: 9 })
    const file = join(folder, 'key.json')
    await writeFile(file, JSON.stringify(keys.privateJwk))
    const now = Math.floor(Date.now() / 1000)
    const token = await keys.sign({ iss: 'https://a.example', aud: audience, sub: 'ada', exp: now + 600 })
    const url = await decoding()
    const { code, report } = await probed(url, ['--own-token', '--key-file', file], token)
    expect(code).toBe(1)
    expect(report.letIn.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['exp an hour ago', 'HS256 with the PEM as secret']),
    )
    const other = await inProcess(['probe', url, '--own-token', '--key-file', file], await good())
    expect(other).toMatchObject({ code: 2, stderr: 'claimgate: The key in the file did not sign the token.\n' })
  })

  it.each(['nonsense', 'a.b.c', 'eyJhbGciOiJIUzI1NiJ9.e30.AA'])('cannot say for %s', async (token) => {
    const { code, stderr } = await inProcess(['probe', 'http://127.0.0.1:1/', '--own-token'], token)
    expect(stderr).toMatch(/^claimgate: (?:The token is not a signed JWT|Bad tokens can only be made from)/)
    expect(code).toBe(2)
  })
})

describe('claimgate probe sends tokens to this machine only', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['http://192.0.2.1/', [], /192\.0\.2\.1 is not this machine\. .*--allow-remote 192\.0\.2\.1$/m],
    ['http://[2001:db8::1]/', [], /2001:db8::1 is not this machine/],
    ['http://0.0.0.0/', [], /0\.0\.0\.0 is not this machine/],
    ['http://[::ffff:192.0.2.1]/', [], /is not this machine/],
    ['http://127.0.0.1.example.invalid/', [], /has no address/],
    ['http://192.0.2.1/', ['--allow-remote', '192.0.2.2'], /--allow-remote names another host .* 192\.0\.2\.1/],
    ['http://api.example.invalid/', ['--allow-remote', 'example.invalid'], /--allow-remote names another host/],
    ['http://user:pass@127.0.0.1/', [], /must not carry a user name or a password/],
    ['ftp://127.0.0.1/', [], /Give the address of a protected route/],
    ['127.0.0.1:3000', [], /Give the address of a protected route/],
  ])('%s %j', async (url, args, message) => {
    const { code, stderr } = await inProcess(['probe', url, '--port', port, ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('connects only to the addresses that were checked, whatever the name resolves to later', async () => {
    const url = new URL(await listen((request, response) => response.end(request.headers.host)))
    url.hostname = 'rebinding.invalid'
    const send = sender({ url, addresses: [{ address: '127.0.0.1', family: 4 }] }, { timeout: 5000 })
    expect(await send()).toEqual({ status: 200 })
  })

  it('accepts every name of this machine, and another host if it is named', async () => {
    const url = new URL(await api((sent) => (sent === few.good ? 200 : 401)))
    for (const [host, args] of [
      ['localhost', []],
      ['[::ffff:127.0.0.1]', []],
      ['127.0.0.1', ['--allow-remote', '127.0.0.1']],
    ] as const) {
      url.hostname = host
      const { stdout } = await inProcess(['probe', url.href, '--port', fewPort, ...args])
      expect(stdout).toMatch(/^Sent 20 bad tokens/)
    }
  })
})
