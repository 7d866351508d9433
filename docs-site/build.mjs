// The steps from the repository to the site. Each returns the problems that it found.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { build } from 'vitepress'

import { writeApiReference } from './api-reference.mjs'
import { writePages } from './pages.mjs'
import { PAGES } from './places.mjs'

/** Writes the Markdown, and the list of its pages for the configuration of VitePress. */
export async function writeMarkdown() {
  const api = await writeApiReference(join(PAGES, 'api'))
  const pages = writePages(PAGES)
  writeFileSync(join(PAGES, '../contents.json'), JSON.stringify({ pages, api }))
}

/** Fails if a link between pages has no target. */
export async function buildSite() {
  await build(import.meta.dirname)
}
