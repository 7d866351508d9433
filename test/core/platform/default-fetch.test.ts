import process from 'node:process'

import { describe, expect, it, onTestFinished } from 'vitest'

import { discoveredKeySet } from '../../../packages/core/src/keys/remote/discovery.ts'
import { remoteKeySet } from '../../../packages/core/src/keys/remote/key-set.ts'
import { staticKeySet } from '../../../packages/core/src/keys/static-key-set.ts'
import { publicJwk } from '../../support/core/test-jwks.ts'
import * as ofNode from '../../../packages/core/src/platform/default-fetch.node.ts'
import * as ofTheWeb from '../../../packages/core/src/platform/default-fetch.web.ts'
import { undiciFetch } from '../../../packages/core/src/platform/default-fetch.node.ts'

function pretendNode(node: string): void {
  const own = Object.getOwnPropertyDescriptor(process, 'versions') ?? {}
  Object.defineProperty(process, 'versions', { ...own, value: { node } })
  onTestFinished(() => void Object.defineProperty(process, 'versions', own))
}

describe('a Node that cannot load undici', () => {
  it('is rejected if keys must be fetched with it', () => {
    pretendNode('20.20.2')
    const complaint =
      /^Cannot fetch keys: Claimgate needs Node 22\.19 or later for fetching keys, and this is 20\.20\.2/
    expect(() => remoteKeySet('https://issuer.example/keys')).toThrow(complaint)
    expect(() => remoteKeySet('https://issuer.example/keys', { fetch: ofNode.defaultFetch })).toThrow(complaint)
    expect(() => discoveredKeySet('https://issuer.example')).toThrow(complaint)
    expect(() => undiciFetch()).toThrow(complaint)
  })

  it('is accepted with a custom fetch, and with local keys', async () => {
    pretendNode('20.20.2')
    expect(() => remoteKeySet('https://issuer.example/keys', { fetch: ofTheWeb.defaultFetch })).not.toThrow()
    expect(() => ofTheWeb.assertDefaultFetch()).not.toThrow()
    const keys = staticKeySet({ keys: [await publicJwk({ kid: 'a' })] })
    await expect(keys.resolve({ alg: 'ES256', kid: 'a' })).resolves.toBeDefined()
  })
})

it.each([
  ['undefined', undefined],
  ['false', false],
] as const)('the default fetch takes the proxy "%s" for a host, and %s for none', (host, none) => {
  const [direct, proxied] = [ofNode.defaultFetchThrough(none), ofNode.defaultFetchThrough(host)]
  expect(proxied).not.toBe(direct)
  expect(ofNode.defaultFetchThrough(new URL(`http://${host}`))).toBe(ofNode.defaultFetchThrough(`http://${host}/`))
})
