// Writes the pages that VitePress reads: the README, `docs/` and the packages' READMEs, with tabs, and links that work on the site.
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

import { PROJECT, ROOT } from './places.mjs'
import { withTabs } from './tabs.mjs'

const DECISIONS = 'docs/decisions'
const IMAGES = 'docs/*.{svg,png}'
const LINK = /(?<=\]\()(?<target>[^)\s]+)(?=\))/g
const CODE = /^(?<fence>```+)[^]*?^\k<fence>|`(?:[^`\n]|\n(?!\n))*`/gm

/**
 * @param {string} folder where the pages go
 * @returns {{ path: string, title: string }[]} the pages: paths on the site without `.md`, and their first headings
 */
export function writePages(folder) {
  const sources = sourcePages()
  const pages = [...sources].map(([source, path]) => {
    const text = source === DECISIONS ? decisionsPage() : readFileSync(join(ROOT, source), 'utf8')
    write(join(folder, `${path}.md`), withTabs(withLinks(text, source, path, sources)))
    return { path, title: /^# (.+)$/m.exec(text)?.[1] ?? path }
  })
  for (const image of globSync(IMAGES, { cwd: ROOT })) cpSync(join(ROOT, image), join(folder, onSite(image)))
  return pages
}

/** @param {string} path of a file in `docs/` */
function onSite(path) {
  return path.slice('docs/'.length)
}

/** Where each page of the repository is on the site. A forge shows a list of files for the folder of decisions; the site needs a page. */
function sourcePages() {
  const docs = globSync('docs/**/*.md', { cwd: ROOT }).toSorted()
  const readmes = globSync('packages/*/README.md', { cwd: ROOT }).toSorted()
  return new Map([
    ['README.md', 'index'],
    [DECISIONS, 'decisions/index'],
    ...docs.map((path) => [path, onSite(path).replace(/\.md$/, '')]),
    ...readmes.map((path) => [path, posix.dirname(path)]),
  ])
}

function decisionsPage() {
  const lines = globSync(`${DECISIONS}/*.md`, { cwd: ROOT })
    .toSorted()
    .map((path) => `- [${/^# (.+)$/m.exec(readFileSync(join(ROOT, path), 'utf8'))?.[1]}](/${path})`)
  return `# Decisions\n\n${lines.join('\n')}\n`
}

/** Links to pages lead to the site; links to other files and folders lead to the repository. */
function withLinks(text, source, path, sources) {
  return outsideCode(text, (prose) =>
    prose.replaceAll(LINK, (target) => {
      const [file, anchor] = target
        .replace(/^.*github\.com\/claimgate\/claimgate\/(?:blob|tree)\/main\//, '/')
        .split('#')
      if (/^[a-z]+:/.test(file) || file === '') return target
      const at = file.startsWith('/') ? file.slice(1) : posix.join(posix.dirname(source), file)
      const page = sources.get(at) ?? sources.get(posix.join(at, 'README.md'))
      const to = page === undefined ? otherFile(at, source, path) : relative(path, `${page}.md`)
      return anchor === undefined ? to : `${to}#${anchor}`
    }),
  )
}

function otherFile(at, source, path) {
  return posix.matchesGlob(at, IMAGES) ? relative(path, onSite(at)) : repositoryUrl(at, source)
}

function relative(from, target) {
  const link = posix.relative(posix.dirname(from), target)
  return link.startsWith('.') ? link : `./${link}`
}

function repositoryUrl(at, source) {
  if (!existsSync(join(ROOT, at))) throw new Error(`${source} links to ${at}, which does not exist`)
  return `${PROJECT}/${statSync(join(ROOT, at)).isDirectory() ? 'tree' : 'blob'}/main/${at}`
}

function outsideCode(text, change) {
  let end = 0
  let result = ''
  for (const { 0: code, index } of text.matchAll(CODE)) {
    result += change(text.slice(end, index)) + code
    end = index + code.length
  }
  return result + change(text.slice(end))
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
