import { describe, expect, it } from 'vitest'

import { assertNodeVersion } from '../../../packages/core/src/platform/default-fetch.node.ts'

describe('a Node that can load undici', () => {
  it.each(['22.19.0', '22.20.1', '23.0.0', '24.0.0', '26.10.0', '100.0.0', '22.19.0-nightly2025'])('is %s', (node) => {
    expect(() => assertNodeVersion({ node })).not.toThrow()
  })

  it('is reported for Bun and Deno, whatever their version', () => {
    expect(() => assertNodeVersion({ node: '20.11.1', deno: '2.1.0' })).not.toThrow()
    expect(() => assertNodeVersion({ node: '20.11.1', bun: '1.0.0' })).not.toThrow()
  })
})

describe('a Node that cannot', () => {
  it.each(['22.18.9', '22.0.0', '21.99.0', '20.20.2', '18.0.0'])('is %s, and is rejected at start-up', (node) => {
    expect(() => assertNodeVersion({ node })).toThrow(
      new TypeError(
        `Cannot fetch keys: Claimgate needs Node 22.19 or later for fetching keys, and this is ${node}; or give a "fetch" of your own`,
      ),
    )
  })
})
