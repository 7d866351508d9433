// Checks pages and committed files for wrong statements and for text that must not be public. Add further checks to RULES.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { findFiles, readText } from './repository-files.mjs'

const TEXT_FILE = /(^|\/)([^/.]+|[^/]*\.(md|mjs|js|ts|json|yaml|yml|jsonc|html|txt|sh))$|(^|\/)\.[\w-]+$/
const LINK = /\[[^\]]*\]\((?<target>[^)\s]+)(?:\s+"[^"]*")?\)/g
const HEADING = /^#{1,6}\s+(?<title>.+)$/gm
const MACHINE_PATH = /(?<![\w.}-])\/(?:work|root|tmp\/bash_jobs|home)\/[\w.-]*/g
const REGISTRY_ADDRESS = /https?:\/\/[\w.-]*(?:registry|npmmirror|verdaccio|artifactory|nexus)[\w.-]*/g

const SOURCES_PAGE = 'docs/architecture.md'

const RULES = [brokenLinks, missingSources, machinePaths, registryAddresses, lockfileAddresses]

/**
 * @param {string} root the repository's root
 * @returns {string[]} one sentence for each violation
 */
export function checkDocs(root) {
  const files = findFiles(root, (path) => TEXT_FILE.test(path)).map((path) => ({
    path,
    text: readText(join(root, path)),
  }))
  return files.flatMap((file) => RULES.flatMap((rule) => rule(file, root)))
}

function brokenLinks({ path, text }, root) {
  if (!path.endsWith('.md')) return []
  return [...withoutCode(text).matchAll(LINK)]
    .map(({ groups }) => groups.target)
    .filter((target) => !/^[a-z]+:/.test(target) && !resolves(target, path, root))
    .map((target) => `${path}: the link ${target} has no target`)
}

// The page tells newcomers in which file they find something.
function missingSources({ path, text }, root) {
  if (path !== SOURCES_PAGE) return []
  const sources = findFiles(root, (source) => /\.(?:ts|mjs)$/.test(source)).map((source) => `/${source}`)
  return [...text.matchAll(/(?<![\w*./-])(?<name>\w[\w./-]*\.(?:ts|mjs))\b/g)]
    .map(({ groups }) => groups.name)
    .filter((name) => !sources.some((source) => source.endsWith(`/${name}`)))
    .map((name) => `${path}: there is no file ${name}`)
}

function resolves(target, path, root) {
  const [file, anchor] = target.split('#')
  const page = file === '' ? join(root, path) : resolve(root, dirname(path), decodeURI(file))
  if (!page.startsWith(resolve(root)) || !existsSync(page)) return false
  return anchor === undefined || !page.endsWith('.md') || anchorsOf(readText(page)).has(anchor)
}

/** The anchors that GitHub generates from headings. Repeated titles get a number. */
function anchorsOf(text) {
  const anchors = new Set()
  for (const { groups } of withoutFences(text).matchAll(HEADING)) {
    const slug = groups.title
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let repeat = 1; anchors.has(anchor); repeat++) anchor = `${slug}-${repeat}`
    anchors.add(anchor)
  }
  return anchors
}

function withoutFences(text) {
  return text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '')
}

function withoutCode(text) {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '')
}

function machinePaths({ path, text }) {
  return (text.match(MACHINE_PATH) ?? []).map((found) => `${path}: ${found} is a path of one machine`)
}

function registryAddresses({ path, text }) {
  return (text.match(REGISTRY_ADDRESS) ?? []).map((found) => `${path}: ${found} is a registry's address`)
}

function lockfileAddresses({ path, text }) {
  if (!/(^|\/)pnpm-lock\.yaml$/.test(path)) return []
  return (text.match(/https?:\/\/\S+/g) ?? []).map((found) => `${path}: ${found} ties the lockfile to a host`)
}
