import { afterEach, expect, it, vi } from 'vitest'

import manifest from '../../../../packages/core/package.json' with { type: 'json' }
import { USER_AGENT, userAgent } from '../../../../packages/core/src/keys/fetch/fields.ts'

afterEach(() => vi.unstubAllGlobals())

it('names this package and its version', () => {
  expect(USER_AGENT).toBe(`${manifest.name.replace('@', '').split('/')[0]}/${manifest.version}`)
})

it.each([undefined, {}, { userAgent: 'Node.js/24' }, { userAgent: 'Cloudflare-Workers' }, { userAgent: 'Deno/2.9.6' }])(
  'is sent where the runtime calls itself %j',
  (navigator) => {
    vi.stubGlobal('navigator', navigator)
    expect(userAgent()).toEqual({ 'user-agent': USER_AGENT })
  },
)

it('is not sent from a browser', () => {
  vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' })
  expect(userAgent()).toEqual({})
})
