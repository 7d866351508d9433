import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { PAGES, PROJECT, SITE } from '../places.mjs'
import { sidebar } from '../sidebar.mjs'
import { githubSlug } from '../slug.mjs'

const { pages, api } = JSON.parse(readFileSync(join(PAGES, '../contents.json'), 'utf8'))

export default {
  title: 'Claimgate',
  description: 'Verifies OAuth 2.0 access tokens in Node, Deno, Bun and workers.',
  lang: 'en',
  srcDir: PAGES,
  outDir: SITE,
  cacheDir: join(PAGES, '../cache'),
  // Pages work from any folder of any host, and their links without a server that adds `.html`.
  base: process.env.DOCS_BASE ?? '/',
  metaChunk: true,
  markdown: {
    anchor: { slugify: githubSlug },
    // Pages are plain Markdown: what stands in braces is text.
    config: (md) => md.core.ruler.push('no-templates', noTemplates),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/getting-started' },
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: sidebar(pages, api),
    socialLinks: [{ icon: 'github', link: PROJECT }],
  },
}

function noTemplates({ tokens }) {
  for (const { children } of tokens) {
    for (const token of children ?? []) {
      if (token.type === 'text' && token.content.includes('{{'))
        token.content = token.content.replaceAll('{{', '{\u200B{')
    }
  }
}
