import { afterEach, expect, it, vi } from 'vitest'

import manifest from '../../../../packages/core/package.json' with { type: 'json' }
import { type FetchLike, systemClock } from '../../../../packages/core/src/model/runtime.ts'
import { fetchDocument, USER_AGENT } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'

afterEach(() => vi.unstubAllGlobals())

it('contains this package and its version', () => {
  expect(USER_AGENT).toBe(`${manifest.name.replace('@', '').split('/')[0]}/${manifest.version}`)
})

/** The `User-Agent` of a request. */
async function sentUserAgent(): Promise<string | undefined> {
  let sent: string | undefined
  const fetch: FetchLike = async (_url, { headers }) => {
    sent = headers['user-agent']
    return new Response('{}')
  }
  await fetchDocument(new URL('https://issuer.example'), { fetch, clock: systemClock, timeout: 1, maxBytes: 100 })
  return sent
}

it.each([undefined, {}, { userAgent: 'Node.js/24' }, { userAgent: 'Cloudflare-Workers' }, { userAgent: 'Deno/2.9.6' }])(
  'is sent if the runtime reports %j',
  async (navigator) => {
    vi.stubGlobal('navigator', navigator)
    expect(await sentUserAgent()).toBe(USER_AGENT)
  },
)

it('is not sent from a browser', async () => {
  vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' })
  expect(await sentUserAgent()).toBeUndefined()
})
