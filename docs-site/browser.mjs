// Opens the built site in Chromium, on a phone, a tablet and a desktop.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { serve } from 'vitepress'

import { ROOT } from './places.mjs'

const WIDTHS = [390, 820, 1440]
const PAGES = ['options.html', 'mcp.html', 'api/@claimgate/core/dpop.html', '']
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
    console.log('       not run: there is no Chromium')
    return []
  }
  // The tests of the workspace have it.
  const { chromium } = createRequire(join(ROOT, 'test/package.json'))('playwright-core')
  const { server } = await serve({ root: import.meta.dirname, port: 0 })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] })
  try {
    const site = `http://127.0.0.1:${server.address().port}/`
    const problems = []
    for (const width of WIDTHS) problems.push(...(await checkWidth(browser, site, width)))
    return problems
  } finally {
    await browser.close()
    server.close()
  }
}

async function checkWidth(browser, site, width) {
  const page = await browser.newPage({ viewport: { width, height: 900 } })
  page.setDefaultTimeout(20_000)
  const problems = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('response', (response) => response.status() >= 400 && problems.push(`${response.status()} ${response.url()}`))
  for (const path of PAGES) {
    await page.goto(site + path, { waitUntil: 'domcontentloaded' })
    const tooWide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    if (tooWide > 0) problems.push(`${path} scrolls sideways by ${tooWide} pixels`)
  }
  // Then its scripts have started.
  await page.waitForFunction(() => document.querySelector('#app')?.__vue_app__ !== undefined)
  if ((await tabsShow(page)) !== 'Fastify') problems.push('the tab of Fastify does not show its code')
  if (!(await darkModeWorks(page))) problems.push('dark mode does not change the background')
  if (!(await searchFinds(page, 'requireScope'))) problems.push('search finds nothing')
  await page.close()
  return problems.map((problem) => `${width} pixels: ${problem}`)
}

/** Chooses the second tab by keyboard. */
async function tabsShow(page) {
  const group = page.locator('.tab-group').first()
  await group.locator('input').first().focus()
  await page.keyboard.press('ArrowRight')
  const text = await group.locator('.tab:visible').innerText()
  return /^\w+/.exec(text)?.[0]
}

async function darkModeWorks(page) {
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === 'rgb(27, 27, 31)')
  return dark.then(
    () => true,
    () => false,
  )
}

async function searchFinds(page, words) {
  await page.keyboard.press('Control+k')
  await page.locator('.VPLocalSearchBox input').fill(words)
  const result = page.locator('.VPLocalSearchBox .result').first()
  return result.waitFor().then(
    () => true,
    () => false,
  )
}
