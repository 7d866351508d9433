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
  // A host that serves the site from a folder, such as `/claimgate/`, names it here.
  base: process.env.DOCS_BASE ?? '/',
  metaChunk: true,
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  // Without it, browsers ask for an icon that does not exist.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    anchor: { slugify: githubSlug },
  },
  themeConfig: {
    search: { provider: 'local', options: { _render: withoutColours } },
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

/** The search needs the words of a page. Colours of code would double the time of the build. */
function withoutColours(text, env, md) {
  const { highlight } = md.options
  md.options.highlight = (code) => `<pre>${md.utils.escapeHtml(code)}</pre>`
  try {
    return md.render(text, env)
  } finally {
    md.options.highlight = highlight
  }
}
