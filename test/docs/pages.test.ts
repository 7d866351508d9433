import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { pageAt, pages, snippets } from '../support/docs/pages.ts'

const root = join(import.meta.dirname, '../..')
const PROJECT = 'https://github.com/claimgate/claimgate'

const tests = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))

describe('every snippet', () => {
  it('has a name', () => {
    expect(snippets.filter(({ name }) => name === undefined)).toEqual([])
  })

  it('is run by a test of that name', () => {
    // providers-page.test.ts runs the example of each profile.
    const names = new Set(snippets.map(({ name = '' }) => name).filter((name) => !name.startsWith('provider-')))
    expect([...names].filter((name) => !tests.some((test) => test.includes(`'${name}'`)))).toEqual([])
  })

  it('is the same code wherever its name is used', () => {
    const codes = Map.groupBy(snippets, ({ name }) => name)
    const different = [...codes].filter(([, all]) => new Set(all.map(({ code }) => code)).size > 1)
    expect(different.map(([name]) => name)).toEqual([])
  })
})

describe('README.md', () => {
  it('has at most 150 lines', () => {
    expect(pageAt('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  it('links to every page of docs', () => {
    const docs = [...pages.keys()].filter((path) => path.startsWith('docs/'))
    expect(docs.filter((path) => !pageAt('README.md').includes(`(${path}`))).toEqual([])
  })
})

describe.each([...pages.keys()].filter((path) => path.startsWith('packages/')))('%s', (path) => {
  const targets = [...pageAt(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)

  it('links to the project by absolute URL, because npm shows the page on its own', () => {
    expect(targets.filter((target) => !target.startsWith('https://'))).toEqual([])
  })

  it('links to files and headings that exist', () => {
    const own = targets.filter((target) => target.startsWith(`${PROJECT}/`))
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter((target) => !leadsSomewhere(target))).toEqual([])
  })

  it('says how to install it', () => {
    const name = path.replace('packages/', '@claimgate/').replace('/README.md', '')
    expect(pageAt(path)).toMatch(new RegExp(`npm install (--save-dev )?${name}\\b`))
  })
})

function leadsSomewhere(target: string): boolean {
  const [path = '', anchor] = target
    .slice(PROJECT.length)
    .replace(/^\/(blob|tree)\/main\//, '')
    .split('#')
  if (!existsSync(join(root, path))) return false
  if (anchor === undefined) return true
  const headings = [...pageAt(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title)
  return headings.some((title) => anchorOf(title) === anchor)
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
