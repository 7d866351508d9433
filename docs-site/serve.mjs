// `npm run docs` serves the site, and writes its pages again when the README or `docs/` changes.
import { watch } from 'node:fs'
import { join } from 'node:path'

import { createServer } from 'vitepress'

import { writeMarkdown } from './build.mjs'
import { writePages } from './pages.mjs'
import { PAGES, ROOT } from './places.mjs'

await writeMarkdown()

for (const source of ['README.md', 'docs', 'packages']) {
  watch(join(ROOT, source), { recursive: true }, (event, name) => {
    if (name?.endsWith('.md') && !name.includes('node_modules')) rewrite()
  })
}

const port = Number(process.env.PORT ?? 5173)
const server = await createServer(import.meta.dirname, { host: '127.0.0.1', port })
await server.listen()
server.printUrls()

function rewrite() {
  try {
    writePages(PAGES)
  } catch (error) {
    // A page that is being edited may have a link or a tab without an end.
    console.error(error instanceof Error ? error.message : error)
  }
}
