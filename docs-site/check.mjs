// `npm run docs:check` builds the site and checks it. Each step returns the problems it found.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkInBrowser } from './browser.mjs'
import { buildSite, writeMarkdown } from './build.mjs'
import { checkLinks } from './links.mjs'
import { ROOT, SITE } from './places.mjs'

const STEPS = {
  pages: async () => {
    await writeMarkdown()
    return []
  },
  build: async () => {
    await buildSite()
    return []
  },
  links: async () => checkLinks(SITE).problems,
  browser: checkInBrowser,
}

const results = []
for (const [name, run] of Object.entries(STEPS)) {
  const started = performance.now()
  // A step needs what the steps before it wrote.
  const problems = results.includes(false) ? ['not run'] : await run().catch((error) => [error.stack ?? String(error)])
  results.push(problems.length === 0)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${problems.length > 0 ? 'failed' : 'ok    '} docs-site ${name} (${seconds} s)`)
  for (const problem of problems) console.log(`       ${problem}`)
}

const passed = results.filter(Boolean).length
const failed = results.length - passed
mkdirSync(join(ROOT, 'reports'), { recursive: true })
writeFileSync(join(ROOT, 'reports/docs-site.json'), JSON.stringify({ passed, failed }))
process.exitCode = failed > 0 ? 1 : 0
