import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

import { checkLinks } from '../../docs-site/links.mjs'
import { writePages } from '../../docs-site/pages.mjs'
import { sidebar } from '../../docs-site/sidebar.mjs'
import { withTabs } from '../../docs-site/tabs.mjs'

const root = join(import.meta.dirname, '../..')
const site = join(root, 'docs-site')
const folders: string[] = []

function temporaryFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'docs-site-'))
  folders.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const TABS = [
  'Before.',
  '',
  'Express first. <!-- tab: Express -->',
  '',
  '<!-- run: a -->',
  '',
  '```js',
  "const a = '```'",
  '```',
  '',
  '<!-- tab: fetch -->',
  '',
  '```js',
  'b()',
  '```',
  '',
  'After.',
].join('\n')

describe('tabs', () => {
  it('group the paragraphs and code that follow each other', () => {
    const text = withTabs(TABS)
    expect(text.match(/data-title="[^"]+"/g)).toEqual(['data-title="Express"', 'data-title="fetch"'])
    expect(text.match(/class="vp-code-group/g)).toHaveLength(1)
    expect(text.match(/class="vp-block tab( active)?"/g)).toEqual([
      'class="vp-block tab active"',
      'class="vp-block tab"',
    ])
    expect(text).toMatch(/^Before\.\n/)
    expect(text).toMatch(/<\/div><\/div>\n+After\.$/)
  })

  it('begin a new group after other text', () => {
    const text = withTabs(`${TABS}\n\n${TABS}`)
    expect(text.match(/class="vp-code-group/g)).toHaveLength(2)
    expect(new Set(text.match(/ id="[^"]+"/g))).toHaveLength(4)
  })

  it('leave out a paragraph that says only the name of its tab', () => {
    const text = withTabs(TABS.replace('Express first. <!--', 'Express: <!--'))
    expect(text).not.toContain('Express:')
    expect(text).toContain('data-title="Express"')
    expect(withTabs(TABS)).toContain('Express first. <!-- tab: Express -->')
  })

  it('need code', () => {
    expect(() => withTabs('Express. <!-- tab: Express -->\n\nNo code.')).toThrow('The tab Express has no block of code')
  })

  it('leave a page without tabs as it is', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    expect(withTabs(page)).toBe(page)
  })
})

describe('the pages of the site', () => {
  it('are all pages of the repository for users, each in the side bar once', () => {
    const folder = temporaryFolder()
    const pages = writePages(folder)
    const links = sidebar(pages, []).flatMap(({ items }) => items.map(({ link }) => link))
    expect(links.toSorted()).toEqual(pages.map(({ path }) => `/${path.replace(/(^|\/)index$/, '$1')}`).toSorted())
    expect(pages.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'index',
        'options',
        'decisions/index',
        'decisions/0011-seams',
        'migrate/jose',
        'packages/core',
      ]),
    )
  })

  it('link to pages of the site, and to the repository for all other files', () => {
    const folder = temporaryFolder()
    writePages(folder)
    const index = readFileSync(join(folder, 'index.md'), 'utf8')
    expect(index).toContain('](./options.md)')
    expect(index).toContain('](./packages/cli.md#serve)')
    expect(index).toContain('](./claimgate.svg)')
    expect(index).toContain('](./decisions/index.md)')
    expect(index).toContain('](https://github.com/claimgate/claimgate/tree/main/examples)')
    expect(index).toContain('](https://github.com/claimgate/claimgate/blob/main/CONTRIBUTING.md)')
    expect(readFileSync(join(folder, 'packages/fetch.md'), 'utf8')).toMatch(/\]\(\.\.\/[\w-]+\.md/)
  })

  it('have tabs for Express, Fastify and fetch', () => {
    const folder = temporaryFolder()
    writePages(folder)
    for (const page of ['index.md', 'mcp.md']) {
      const titles = readFileSync(join(folder, page), 'utf8').match(/(?<=data-title=")[^"]+/g)
      expect(titles, page).toEqual(['Express', 'Fastify', 'fetch'])
    }
  })
})

describe('the link check of the site', () => {
  const PAGE =
    '<h1 id="top">Top</h1><a href="/b#part">b</a><a href="./b.html">b</a><a href="#top">top</a><a href="https://example.com">out</a>'

  it('accepts links that lead to pages, anchors and files', () => {
    const folder = temporaryFolder({
      'index.html': PAGE,
      'b.html': '<h2 id="part"></h2><img src="/c.png">',
      'c.png': '',
    })
    expect(checkLinks(folder)).toEqual({ links: 5, problems: [] })
  })

  it.each([
    ['/c', 'a page'],
    ['/b#other', 'an anchor of another page'],
    ['#other', 'an anchor of the page'],
    ['https://github.com/claimgate/claimgate/blob/main/docs/nothing.md', 'a file of the repository'],
    ['https://github.com/claimgate/claimgate/tree/main/examples/nothing', 'a folder of the repository'],
  ])('names the link %s, which needs %s that does not exist', (href) => {
    const folder = temporaryFolder({ 'index.html': `<a href="${href}">x</a>`, 'b.html': '' })
    expect(checkLinks(folder).problems).toEqual([`index.html: the link ${href} has no target`])
  })
})

describe('the installation of the site', () => {
  it('is apart from the workspace, pinned, and tied to no host', () => {
    const { dependencies } = JSON.parse(readFileSync(join(site, 'package.json'), 'utf8'))
    expect(Object.values(dependencies)).toEqual(
      Object.values(dependencies).filter((version) => /^\d+\.\d+\.\d+$/.test(String(version))),
    )
    expect(readFileSync(join(site, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/https?:\/\//)
    expect(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/^ {2}docs-site:/m)
  })
})
