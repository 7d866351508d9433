// Checks every link of the built site, with its anchor. VitePress checks only that pages exist.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

import { PROJECT, ROOT } from './places.mjs'

const HREF = /<a\b[^>]*?\shref="(?<href>[^"]*)"/g
const SOURCE = /<(?:img|script|link)\b[^>]*?\s(?:src|href)="(?<href>[^"]*)"/g
const ID = /\sid="(?<id>[^"]*)"/g

/**
 * @param {string} site the folder of the built site
 * @returns {{ links: number, problems: string[] }} one sentence for each link without a target
 */
export function checkLinks(site) {
  const pages = new Map(
    globSync('**/*.html', { cwd: site }).map((path) => [path, readFileSync(join(site, path), 'utf8')]),
  )
  const ids = new Map([...pages].map(([path, html]) => [path, new Set(matches(html, ID, 'id'))]))
  let links = 0
  const problems = [...pages].flatMap(([path, html]) => {
    const hrefs = [...matches(html, HREF, 'href'), ...matches(html, SOURCE, 'href')]
    links += hrefs.length
    return [...new Set(hrefs)]
      .filter((href) => !leadsSomewhere(href, path, site, ids))
      .map((href) => `${path}: the link ${href} has no target`)
  })
  return { links, problems }
}

function leadsSomewhere(href, path, site, ids) {
  if (href.startsWith(`${PROJECT}/blob/main/`) || href.startsWith(`${PROJECT}/tree/main/`)) {
    return existsSync(join(ROOT, decodeURI(new URL(href).pathname.split('/main/')[1])))
  }
  if (/^[a-z]+:/.test(href)) return true
  const { pathname, hash } = new URL(href, `http://site/${path}`)
  const file = decodeURI(pathname).slice(1)
  const page = [file, `${file}.html`, posix.join(file, 'index.html')].find((candidate) => ids.has(candidate))
  if (page === undefined) return file !== '' && existsSync(join(site, file))
  return hash === '' || ids.get(page).has(decodeURIComponent(hash.slice(1)))
}

function matches(html, pattern, group) {
  return [...html.matchAll(pattern)].map(({ groups }) => groups[group].replaceAll('&amp;', '&'))
}
