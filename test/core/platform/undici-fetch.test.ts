import { spawn } from 'node:child_process'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { FetchInit } from '../../../packages/core/src/model/runtime.ts'
import { isPrivateAddress } from '../../../packages/core/src/platform/connection-guard.node.ts'
import { undiciFetch, type UndiciFetchOptions } from '../../../packages/core/src/platform/default-fetch.node.ts'

let connections = 0
const server = createServer((_request, response) => response.end('{}'))
server.on('connection', () => (connections += 1))
let port = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const get = async (host: string, options: UndiciFetchOptions): Promise<Response> =>
  undiciFetch(options)(`http://${host}:${port}/`, {
    method: 'GET',
    headers: {},
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  })

const resolvesTo =
  (...addresses: string[]): NonNullable<UndiciFetchOptions['lookup']> =>
  (_hostname, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (all) callback(null, found)
    else callback(null, addresses[0] ?? '', 4)
  }

describe('the fields of a request', () => {
  const fields = { 'X-Api-Key': 'abc', 'Accept-Encoding': 'br' }

  it.each<[string, unknown]>([
    ['an object', fields],
    ['a Headers object', new Headers(fields)],
    ['a list of pairs', Object.entries(fields)],
  ])('are sent if they are %s', async (_, headers) => {
    const sent: IncomingHttpHeaders[] = []
    const echo = createServer((request, response) => {
      sent.push(request.headers)
      response.end('{}')
    })
    await new Promise<void>((resolve) => {
      echo.listen(0, '127.0.0.1', resolve)
    })
    const init = { method: 'GET', headers, redirect: 'manual', signal: AbortSignal.timeout(5000) } as FetchInit
    await undiciFetch()(`http://127.0.0.1:${(echo.address() as AddressInfo).port}/`, init)
    expect(sent).toMatchObject([{ 'x-api-key': 'abc', 'accept-encoding': 'identity' }])
    echo.closeAllConnections()
    echo.close()
  })
})

describe('the connection guard', () => {
  it('allows every address unless enabled', async () => {
    expect((await get('127.0.0.1', {})).status).toBe(200)
    expect((await get('name.example', { lookup: resolvesTo('127.0.0.1') })).status).toBe(200)
  })

  it.each([
    'localhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '%31%32%37.0.0.1',
  ])('refuses to connect to %s', async (host) => {
    const before = connections
    await expect(get(host, { refusePrivateAddresses: true })).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    expect(connections).toBe(before)
  })

  it.each([[['127.0.0.1']], [['::1']], [['::ffff:127.0.0.1']], [['93.184.216.34', '127.0.0.1']], [[]]])(
    'refuses to connect to a name that resolves to %j',
    async (addresses) => {
      const before = connections
      const lookup = resolvesTo(...addresses)
      await expect(get('name.example', { refusePrivateAddresses: true, lookup })).rejects.toMatchObject({
        code: 'ERR_PRIVATE_ADDRESS',
      })
      expect(connections).toBe(before)
    },
  )

  it('connects to the checked address, so that the name cannot change in between', async () => {
    const answers = ['203.0.113.1', '127.0.0.1']
    const asked: string[] = []
    const lookup: UndiciFetchOptions['lookup'] = (hostname, options, callback) => {
      asked.push(hostname)
      resolvesTo(answers.shift() ?? '127.0.0.1')(hostname, options, callback)
    }
    const fetch = { refusePrivateAddresses: true, lookup }
    const before = connections
    await expect(get('rebinding.example', fetch)).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    await expect(get('rebinding.example', fetch)).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    expect(asked).toHaveLength(2)
    expect(connections).toBe(before)
  })
})

describe('addresses that are not public', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.127.255.255',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.255.255',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::a00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:a00:1::1',
    '3fff::1',
    'fc00::1',
    'fd00::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'name.example',
    '',
  ])('%s', (address) => {
    expect(isPrivateAddress(address)).toBe(true)
  })
})

describe('addresses that are public', () => {
  it.each([
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.169.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])('%s', (address) => {
    expect(isPrivateAddress(address)).toBe(false)
  })
})

describe('options of undici', () => {
  it.each([0, 101, 1.5])('are rejected at start-up: %d connections', (count) => {
    expect(() => undiciFetch({ connections: count })).toThrow(TypeError)
  })

  it('are rejected if they do not exist, because a typo would disable the guard', () => {
    expect(() => undiciFetch({ refusePrivateAdresses: true } as UndiciFetchOptions)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Cannot use undici: there is no option "refusePrivateAdresses"; did you mean "refusePrivateAddresses"?]`,
    )
    expect(() => undiciFetch({ refusePrivateAddress: true } as UndiciFetchOptions)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Cannot use undici: there is no option "refusePrivateAddress"; did you mean "refusePrivateAddresses"?]`,
    )
  })

  it.each([null, 'true', 'false', 1, 0, {}])('are rejected at start-up: a guard that is %j', (value) => {
    const options = { refusePrivateAddresses: value } as unknown as UndiciFetchOptions
    expect(() => undiciFetch(options)).toThrow(
      /^Cannot use undici: "refusePrivateAddresses" must (?:be true or false, found|not be null)/,
    )
  })

  it('are rejected at start-up: a look-up that is not a function', () => {
    const options = { lookup: 'dns' } as unknown as UndiciFetchOptions
    expect(() => undiciFetch(options)).toThrow(
      new TypeError('Cannot use undici: "lookup" must be a function, found "dns"'),
    )
  })

  it('can be undefined', () => {
    const options: object = { refusePrivateAddresses: undefined }
    expect(undiciFetch(options)).toBeTypeOf('function')
  })
})

describe('loading undici', () => {
  const run = async (source: string): Promise<{ code: number | null; output: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ['--unhandled-rejections=strict', '--input-type=module', '-e', source], {
        cwd: import.meta.dirname,
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.on('close', (code) => resolve({ code, output }))
    })
  const call = (path: string): string =>
    `(await undiciFetch()('${path}', { method: 'GET', headers: {}, redirect: 'manual', signal: AbortSignal.timeout(5000) }))`

  it('is not reported as a network error when it fails', async () => {
    const { output } = await run(`
      import { registerHooks } from 'node:module'
      const broken = { url: 'data:text/javascript,throw new TypeError("bind")', shortCircuit: true }
      registerHooks({ resolve: (name, context, next) => (name === 'undici' ? broken : next(name, context)) })
      const { undiciFetch } = await import('../../../packages/core/src/platform/default-fetch.node.ts')
      try {
        ${call('http://127.0.0.1:1/')}
      } catch ({ name, message, cause }) {
        console.log(name, message, cause.message)
      }
    `)
    expect(output.trim()).toBe('TransportError Cannot fetch keys: undici, on which it depends, does not load bind')
  })

  it('is not needed with a custom fetch', async () => {
    const { output } = await run(`
      import { undiciFetch } from '../../../packages/core/src/platform/default-fetch.node.ts'
      const slot = Symbol.for('undici.globalDispatcher.1')
      await fetch('data:,')
      const before = globalThis[slot]
      await ${call(`http://127.0.0.1:${port}/`)}.text()
      const same = before !== undefined && globalThis[slot] === before
      const { status } = await fetch('http://127.0.0.1:${port}/')
      console.log(same, status)
    `)
    expect(output.trim()).toBe('true 200')
  })

  it('happens at the first request, and its idle connections do not keep the program alive', async () => {
    const { code, output } = await run(`
      import { undiciFetch } from '../../../packages/core/src/platform/default-fetch.node.ts'
      const slot = Symbol.for('undici.globalDispatcher.2')
      undiciFetch()
      const before = slot in globalThis
      await ${call(`http://127.0.0.1:${port}/`)}.text()
      console.log(before, slot in globalThis)
    `)
    expect([code, output.trim()]).toEqual([0, 'false true'])
  })
})
