import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, CHROMIUM, type Page, startChromium } from '../../../test/support/browser/chromium.ts'
import { type PageServer, servePage } from './page-server.ts'
import { createShow } from './show.ts'
import { setStage, type Stage } from './stage.ts'

let stage: Stage
let server: PageServer
beforeAll(async () => {
  stage = await setStage()
  server = await servePage(createShow(stage))
})
afterAll(async () => {
  await server.close()
  await stage.close()
})

const send = async (
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<{ readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const url = new URL(path, server.url)
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.once('error', reject)
    sent.end(body)
  })

describe('the server of the page', () => {
  const json = { 'content-type': 'application/json' }
  const action = JSON.stringify({ name: 'log-in', argument: 'ada' })
  const own = (): Record<string, string> => ({ ...json, origin: server.url.slice(0, -1) })

  it('listens only on 127.0.0.1', () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1')
  })

  it('has a strict content security policy on every answer', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/state', '/nothing']) {
      const { headers } = await send(path)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
      expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|data:|\*/)
    }
  })

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', 'localhost'])(
    'does not answer to the name %j',
    async (host) => {
      for (const path of ['/', '/state']) expect((await send(path, { host })).status).toBe(421)
      expect((await send('/act', { ...own(), host, origin: `http://${host}` }, action)).status).toBe(421)
    },
  )

  it.each([
    ['another site', { origin: 'http://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['a form', { 'content-type': 'text/plain' }, 415],
  ])('does not act for %s', async (_what, headers, status) => {
    expect((await send('/act', { ...own(), ...headers }, action)).status).toBe(status)
    expect((await send('/act', json, action)).status, 'without an origin').toBe(403)
    expect(JSON.parse((await send('/state')).text)).not.toHaveProperty('session')
  })

  it.each(['', '{', 'null', '{"name":1}', JSON.stringify({ name: 'x'.repeat(2000) })])(
    'does not act on the body %j',
    async (body) => {
      expect((await send('/act', own(), body)).status).toBe(400)
    },
  )

  it('has no token in its answers', async () => {
    expect((await send('/act', own(), action)).text).not.toMatch(/eyJ/)
    await send('/act', own(), JSON.stringify({ name: 'call', argument: 'read' }))
    const { text } = await send('/state')
    expect(text).not.toMatch(/eyJ/)
    expect(JSON.parse(text)).toMatchObject({ session: { user: 'ada', claims: { sub: 'ada' } } })
  })

  it.each(['unknown', 'constructor', '__proto__'])('reports the unknown action %s', async (name) => {
    const { text } = await send('/act', own(), JSON.stringify({ name }))
    expect(JSON.parse(text)).toHaveProperty('log.0.title', 'That did not work')
  })
})

it.each(CHROMIUM.length === 0 ? ['chromium'] : [])('the page is not run in a browser: there is no %s', () => {
  expect(CHROMIUM).toEqual([])
})

const SOON = { timeout: 10_000 }

describe.each(CHROMIUM)('the page in %s', { timeout: 60_000 }, (path) => {
  let browser: Browser
  let page: Page
  const problems: string[] = []
  beforeAll(async () => {
    browser = await startChromium(path)
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(server.url)
  }, 60_000)
  afterAll(async () => {
    await browser.close()
  })

  /** Moves the focus by Tab to the button, and presses a key. */
  const press = async (name: string, key = 'Enter'): Promise<void> => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab')
      // One question to the browser, because each costs a round trip.
      const label = await page.evaluate<string>(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()",
      )
      if (label !== name) continue
      await page.keyboard.press(key)
      return
    }
    throw new Error(`No button "${name}" is reached by keyboard`)
  }
  const newest = async (text: string | RegExp): Promise<void> => {
    await expect.poll(async () => page.locator('#log li').first().textContent(), SOON).toMatch(text)
  }
  const statuses = async (): Promise<readonly string[]> => page.locator('#servers .status').allTextContents()

  it('shows the whole story by keyboard alone', async () => {
    await press('Log in as Bob')
    await newest(/^bob logged in/)
    expect(await page.locator('#session').textContent()).toMatch(/^bob: original token, expires in (20:00|19:5\d)$/)

    await press('GET protected', 'Space')
    await newest(/express 200, fastify 200, worker 200/)
    expect(await statuses()).toEqual(['200', '200', '200'])
    expect(await page.locator('#servers').textContent()).toMatch(/1 key, fetched 0:\d\d ago/)

    await press('POST orders')
    await newest(/express 403.*insufficient_scope/s)
    expect(await page.locator('#servers pre').first().textContent()).toMatch(/error="insufficient_scope"/)

    await press('Change claims')
    await newest(/claims changed/)
    await press('POST orders')
    await newest(/express 401, fastify 401, worker 401.*signature_invalid/s)
    await press('Restore')
    await newest(/original token/)

    await press('Rotate the key')
    await newest(/signs with key/)
    expect(await page.locator('#keys li').count()).toBe(2)
    await press('Log in as Ada')
    await newest(/^ada logged in/)
    await press('GET protected')
    await newest(/express 200, fastify 200, worker 200/)
    expect(await page.locator('#servers').textContent()).toMatch(/2 keys, fetched/)

    await press('Auth service is running', 'Space')
    await newest(/is down/)
    expect(await page.getByRole('switch').getAttribute('aria-checked')).toBe('false')
    await press('10 minutes pass')
    await newest(/^10 minutes pass/)
    await press('GET protected')
    await newest(/express 200, fastify 200, worker 200/)
    await expect.poll(async () => page.locator('#servers').textContent(), SOON).toMatch(/refresh fails \(network\)/)
    await press('Log in as Bob')
    await newest(/That did not work.*down/s)
    await press('Auth service is down')
    await newest(/is back/)

    await press('Log out')
    await newest(/^ada logs out: auth 204/)
    await press('GET protected')
    await newest(/express 401, fastify 401, worker 200.*session has ended/s)
    await press('GET without a token')
    await newest(/without a token: express 401/)
    await press('21 minutes pass')
    await expect.poll(async () => page.locator('#session').textContent(), SOON).toMatch(/expired$/)
    await press('GET protected')
    await newest(/token_expired/)
  })

  it('says nothing in the console, not even about its policy', () => {
    expect(problems).toEqual([])
  })

  it('shows where the focus is', async () => {
    await page.keyboard.press('Tab')
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    expect(outline).toBe('solid')
  })

  it('refuses scripts that are not its own', async () => {
    const ran = await page.evaluate(`(() => {
      const script = document.createElement('script')
      try {
        script.textContent = 'globalThis.injected = true'
      } catch {
        // Trusted types are required.
      }
      document.body.append(script)
      return Object.hasOwn(globalThis, 'injected')
    })()`)
    expect(ran).toBe(false)
  })

  it.each([360, 800, 1280])('fits into a window of %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 900 })
    const { scrollWidth, clientWidth } = await page.evaluate<Record<string, number>>(
      '({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })',
    )
    expect(scrollWidth).toBe(clientWidth)
  })
})
