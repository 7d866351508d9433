import type { LookupFunction } from 'node:net'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

import { createVerifier } from '@claimgate/core'
import { remoteKeySet } from '@claimgate/core/extend'
import { undiciFetch, type UndiciFetchOptions } from '@claimgate/core/node'
import { createTestKeys, startFaultyJwksServer, validCertificate, type FaultyJwksServer } from '@claimgate/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { startChild } from '../../support/resilience/child/run-child.ts'
import { startConnectProxy, type ConnectProxy } from '../../support/resilience/connect-proxy.ts'
import { issuerCertificate } from '../../support/resilience/issuer-certificate.ts'

const { publicJwk } = await createTestKeys('ES256', { kid: 'a' })
const trusted = getCACertificates('default')
let issuer: FaultyJwksServer
let proxy: ConnectProxy
let uri: string
let address: string

beforeAll(async () => {
  issuer = await startFaultyJwksServer({ jwks: { keys: [publicJwk] }, certificate: issuerCertificate })
  uri = issuer.url.replace('127.0.0.1', 'keys.issuer.example')
  setDefaultCACertificates([...trusted, issuerCertificate.cert, validCertificate.cert])
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  await issuer.close()
})
beforeEach(async () => {
  proxy = await startConnectProxy(issuer.port)
  address = `http://127.0.0.1:${proxy.port}`
  // The settings of this machine must not affect the tests.
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY']) {
    vi.stubEnv(name, undefined)
    vi.stubEnv(name.toLowerCase(), undefined)
  }
})
afterEach(async () => {
  vi.unstubAllEnvs()
  issuer.forget()
  await proxy.close()
})

const toThisMachine: LookupFunction = (_name, { all }, callback) =>
  all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

/** The status of the answer; without a proxy, every name resolves to this machine. */
const statusOf = async (url: string, options: UndiciFetchOptions = {}): Promise<number> => {
  const response = await undiciFetch({ lookup: toThisMachine, ...options })(url, {
    method: 'GET',
    headers: {},
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  })
  await response.text()
  return response.status
}

const targets = (): readonly unknown[] => proxy.tunnels.map(({ target }) => target)
const viaProxy = (): readonly string[] => [`keys.issuer.example:${issuer.port}`]

describe('a proxy in the options', () => {
  it('tunnels https, and receives its own credentials, which the issuer does not see', async () => {
    const withPassword = `http://user:pass%20word@127.0.0.1:${proxy.port}`
    expect(await statusOf(uri, { proxy: withPassword })).toBe(200)
    expect(targets()).toEqual(viaProxy())
    const basic = `Basic ${Buffer.from('user:pass word').toString('base64')}`
    expect(proxy.tunnels[0]?.headers['proxy-authorization']).toBe(basic)
    expect(JSON.stringify(issuer.stats().requests)).not.toMatch(/proxy-auth/i)
  })

  it.each<[string, (at: string) => string | URL]>([
    ['a URL object', (at) => new URL(at)],
    ['an address with a slash', (at) => `${at}/`],
    ['a host and a port', (at) => at.replace('http://', '')],
  ])('can be %s', async (_, form) => {
    expect(await statusOf(uri, { proxy: form(address) })).toBe(200)
    expect(targets()).toEqual(viaProxy())
  })

  it('fetches the key sets of a verifier', async () => {
    const options = { issuer: 'https://keys.issuer.example', audience: 'api', jwksUri: uri }
    const verifier = createVerifier({ ...options, keySet: { proxy: address } })
    await verifier.ready()
    expect(targets()).toEqual(viaProxy())
  })

  it('is not used for this machine, nor for plain http', async () => {
    const local = await startFaultyJwksServer({ jwks: { keys: [publicJwk] }, certificate: validCertificate })
    const plain = await startFaultyJwksServer({ jwks: { keys: [publicJwk] } })
    for (const url of [
      local.url,
      local.url.replace('127.0.0.1', 'localhost'),
      plain.url,
      plain.url.replace('127.0.0.1', 'keycloak'),
    ])
      expect(await statusOf(url, { proxy: address })).toBe(200)
    expect(targets()).toEqual([])
    await Promise.all([local.close(), plain.close()])
  })

  it('is rejected together with a custom fetch, which must handle it', () => {
    const rule = /"proxy" is for the default fetch: give it to your own "fetch"/
    const fetch = undiciFetch()
    expect(() => remoteKeySet(uri, { proxy: address, fetch })).toThrow(rule)
    const issuers = async () => undefined
    expect(() => createVerifier({ issuers, fetch, keySet: { proxy: address } })).toThrow(rule)
    expect(() => createVerifier({ issuers, fetch, keySet: { proxy: false } })).toThrow(rule)
  })

  it.each([
    'socks5://user:secret@proxy.example:1080',
    'http://user:secret@',
    'ftp://user:secret@proxy.example',
    'http://user:secret@proxy.example/path',
    'http://user:secret%@proxy.example',
    '',
    ' ',
  ])('is rejected at start-up if it is not the address of a proxy, and is not quoted: %j', (wrong) => {
    const rule = /"proxy" must be the address of an http or https proxy, such as http:\/\/proxy\.example\.com:3128$/
    expect(() => undiciFetch({ proxy: wrong })).toThrow(rule)
    expect(() => remoteKeySet(uri, { proxy: wrong })).toThrow(rule)
    expect(() => createVerifier({ issuers: async () => undefined, keySet: { proxy: wrong } })).toThrow(rule)
  })

  it.each([true, 7, null, ['http://proxy.example'], { href: 'http://proxy.example' }])(
    'is rejected at start-up if it is %j',
    (wrong) => {
      expect(() => undiciFetch({ proxy: wrong as never })).toThrow(/"proxy" must (be "environment", false|not be null)/)
      expect(() => remoteKeySet(uri, { proxy: wrong as never })).toThrow(
        /"proxy" must (be "environment", false|not be null)/,
      )
    },
  )

  it('resolves names elsewhere, so that private addresses cannot be refused', () => {
    const refused =
      /^Cannot use undici: "refusePrivateAddresses" means nothing behind a proxy, because the proxy resolves names/
    expect(() => undiciFetch({ refusePrivateAddresses: true, proxy: address })).toThrow(refused)
    expect(() => undiciFetch({ refusePrivateAddresses: true, proxy: 'environment' })).not.toThrow()
    vi.stubEnv('HTTPS_PROXY', address)
    expect(() => undiciFetch({ refusePrivateAddresses: true })).not.toThrow()
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect(() => undiciFetch({ refusePrivateAddresses: true })).toThrow(refused)
    expect(() => undiciFetch({ refusePrivateAddresses: true, proxy: false })).not.toThrow()
  })
})

describe('a proxy that fails', () => {
  const whyNot = async (named: string): Promise<string> => {
    const keys = remoteKeySet(uri, { fetch: undiciFetch({ proxy: named }) })
    return keys.ready().then(
      () => 'ready',
      (error: unknown) => String(error),
    )
  }

  it('is named if it cannot be reached, without its credentials', async () => {
    const { port } = proxy
    await proxy.close()
    const told = await whyNot(`http://user:secret@127.0.0.1:${port}`)
    expect(told).toContain(`The request failed (ERR_PROXY: "proxy 127.0.0.1:${port}: ECONNREFUSED")`)
    expect(told).not.toContain('secret')
    proxy = await startConnectProxy(issuer.port)
  })

  it.each([403, 407, 502])('is reported if it answers %d', async (status) => {
    proxy.refuseWith(status)
    const told = await whyNot(`http://user:secret@127.0.0.1:${proxy.port}`)
    expect(told).toContain(`Proxy response (${status}) !== 200 when HTTP Tunneling`)
    expect(told).not.toContain('secret')
    proxy.refuseWith(undefined)
    expect(await whyNot(address)).toBe('ready')
  })

  it('cannot impersonate the issuer: its certificate is checked through the tunnel', async () => {
    setDefaultCACertificates(trusted)
    expect(await whyNot(address)).toContain('SELF_SIGNED_CERT')
    setDefaultCACertificates([...trusted, issuerCertificate.cert, validCertificate.cert])
    expect(await whyNot(address.replace('http:', 'https:'))).toMatch(/ERR_PROXY/)
  })
})

describe('the proxy of the environment', () => {
  it.each<[string, Record<string, string>]>([
    ['HTTPS_PROXY', { HTTPS_PROXY: '@' }],
    ['https_proxy', { https_proxy: '@' }],
    ['https_proxy before HTTPS_PROXY', { https_proxy: '@', HTTPS_PROXY: 'http://127.0.0.1:1' }],
    ['HTTP_PROXY if there is no other', { HTTP_PROXY: '@' }],
    ['HTTPS_PROXY before http_proxy', { HTTPS_PROXY: '@', http_proxy: 'http://127.0.0.1:1' }],
    ['a host and a port', { HTTPS_PROXY: '@@' }],
  ])('is %s', async (_, variables) => {
    for (const [name, value] of Object.entries(variables))
      vi.stubEnv(name, value.replace('@@', address.slice(7)).replace('@', address))
    expect(await statusOf(uri)).toBe(200)
    expect(targets()).toEqual([])
    expect(await statusOf(uri, { proxy: 'environment' })).toBe(200)
    expect(targets()).toEqual(viaProxy())
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect(await statusOf(uri)).toBe(200)
    expect(targets()).toHaveLength(2)
    expect(await statusOf(uri, { proxy: false })).toBe(200)
    expect(targets()).toHaveLength(2)
  })

  it.each(['0', 'true', ''])('is not used with NODE_USE_ENV_PROXY=%s, like in Node', async (value) => {
    vi.stubEnv('HTTPS_PROXY', address)
    vi.stubEnv('NODE_USE_ENV_PROXY', value)
    expect(await statusOf(uri)).toBe(200)
    expect(targets()).toEqual([])
  })

  it.each<[string, 'direct' | 'proxied']>([
    ['keys.issuer.example', 'direct'],
    ['KEYS.issuer.example', 'direct'],
    ['issuer.example', 'direct'],
    ['.issuer.example', 'direct'],
    ['*.issuer.example', 'direct'],
    ['example', 'direct'],
    ['other.example, keys.issuer.example', 'direct'],
    ['other.example keys.issuer.example', 'direct'],
    ['keys.issuer.example:PORT', 'direct'],
    ['issuer.example:PORT', 'direct'],
    ['*', 'direct'],
    ['', 'proxied'],
    ['other.example', 'proxied'],
    ['uer.example', 'proxied'],
    ['keys.issuer.example:1', 'proxied'],
    ['keys.issuer', 'proxied'],
  ])('follows NO_PROXY=%s: %s', async (list, expected) => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      vi.stubEnv(name, list.replace('PORT', String(issuer.port)))
      proxy.tunnels.length = 0
      vi.stubEnv('HTTPS_PROXY', address)
      expect(await statusOf(uri, { proxy: 'environment' })).toBe(200)
      expect(await statusOf(uri, { proxy: address })).toBe(200)
      expect(targets()).toHaveLength(expected === 'direct' ? 0 : 2)
      vi.stubEnv(name, undefined)
    }
  })

  it('is rejected at start-up if it is not the address of a proxy, and is not quoted', () => {
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    vi.stubEnv('https_proxy', 'socks5://user:secret@proxy.example')
    expect(() => undiciFetch()).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Cannot use undici: https_proxy must be the address of an http or https proxy, such as http://proxy.example.com:3128]`,
    )
  })
})

describe("a program with Node's proxy setting", () => {
  let folder: string
  let certificates: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimgate-proxy-'))
    certificates = join(folder, 'ca.pem')
    await writeFile(certificates, issuerCertificate.cert)
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  const node22 = fileURLToPath(new URL('../../node_modules/node22/bin/node', import.meta.url))
  const nodes = [process.execPath, ...(existsSync(node22) ? [node22] : [])].map((node) => ({ node }))

  it.each(nodes)('fetches its keys through the proxy of the environment, with $node', async ({ node }) => {
    const env = { NODE_EXTRA_CA_CERTS: certificates, HTTPS_PROXY: address, NODE_USE_ENV_PROXY: '1' }
    const ended = await startChild('fetch-keys.ts', [uri], { env, node }).ended
    expect(ended).toMatchObject({ output: 'ready\n' })
    expect(targets()).toEqual(viaProxy())
  })
})
