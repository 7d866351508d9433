// Opens the built site in Chromium, at the widths of a phone, a tablet and a desktop.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { serve } from 'vitepress'

import { ROOT } from './places.mjs'

const WIDTHS = [390, 820, 1440]
const HEIGHT = 900
/** Wide tables, long code, tabs, and a page of the API reference. */
const PAGES = ['', 'options.html', 'recipes.html', 'threat-model.html', 'api/@claimgate/core/dpop.html']
const WITH_TABS = 'mcp.html'
const ALSO_WITH_TABS = 'dpop.html'
const CHROMIUM = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** @returns {Promise<string[]>} what does not work, or nothing where there is no Chromium */
export async function checkInBrowser() {
  const executablePath = CHROMIUM.find((path) => path !== '' && existsSync(path))
  if (executablePath === undefined) {
    console.log('       not run: Chromium is not installed. CHROMIUM can name its file')
    return []
  }
  // The tests of the workspace have it.
  const { chromium } = createRequire(join(ROOT, 'test/package.json'))('playwright-core')
  const { server } = await serve({ root: import.meta.dirname, port: 0 })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] })
  try {
    const site = `http://127.0.0.1:${server.address().port}/`
    return (await Promise.all([checkWidths(browser, site), checkScripts(browser, site)])).flat()
  } finally {
    await browser.close()
    server.close()
  }
}

/** The width of pages is that of their HTML: without scripts, they load much faster. */
async function checkWidths(browser, site) {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  const problems = watched(page)
  for (const path of [...PAGES, WITH_TABS]) {
    await page.goto(site + path, { waitUntil: 'load' })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT })
      const tooWide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      if (tooWide > 0) problems.push(`${width} pixels: ${path} scrolls sideways by ${tooWide} pixels`)
    }
  }
  return problems
}

/** Tabs, dark mode and search, on the narrowest and the widest screen. */
async function checkScripts(browser, site) {
  const page = await browser.newPage({ viewport: { width: WIDTHS[0], height: HEIGHT } })
  const problems = watched(page)
  await page.goto(site + WITH_TABS, { waitUntil: 'domcontentloaded' })
  // Then its scripts have started.
  await page.waitForFunction(() => document.querySelector('#app')?.__vue_app__ !== undefined)
  for (const width of [WIDTHS[0], WIDTHS.at(-1)]) {
    await page.setViewportSize({ width, height: HEIGHT })
    if (!(await tabsShow(page))) problems.push(`${width} pixels: the tab of Fastify does not show its code`)
  }
  await page.goto(site + ALSO_WITH_TABS, { waitUntil: 'domcontentloaded' })
  if (!(await tabIsKept(page))) problems.push('another page does not show the tab that was chosen before')
  if (!(await darkModeWorks(page))) problems.push('dark mode does not change the background')
  if (!(await searchFinds(page, 'requireScope'))) problems.push('search finds nothing')
  return problems
}

function watched(page) {
  const problems = []
  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('response', (response) => response.status() >= 400 && problems.push(`${response.status()} ${response.url()}`))
  return problems
}

/** Chooses the second tab by keyboard. */
async function tabsShow(page) {
  const group = page.locator('.tab-group').first()
  await group.locator('input').first().focus()
  await page.keyboard.press('ArrowRight')
  return (await group.locator('.tab:visible').innerText()).includes("from 'fastify'")
}

function tabIsKept(page) {
  return happens(page.locator('.tab-group .tab:visible', { hasText: '@claimgate/fastify' }).waitFor())
}

async function darkModeWorks(page) {
  await page.emulateMedia({ colorScheme: 'dark' })
  return happens(page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === 'rgb(27, 27, 31)'))
}

async function searchFinds(page, words) {
  await page.keyboard.press('Control+k')
  await page.locator('.VPLocalSearchBox input').fill(words)
  return happens(page.locator('.VPLocalSearchBox .result').first().waitFor())
}

/** Whether it happens within the time that is allowed for. */
function happens(promise) {
  return promise.then(
    () => true,
    () => false,
  )
}
