import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

const NOT_OURS = new Set(['.git', 'coverage', 'dist', 'node_modules', 'reports'])
const SOURCE = /^packages\/[^/]+\/src\/.+\.ts$/

/**
 * The repository's files, except installed and built ones. It does not use git, so it also works in an archive.
 *
 * @param {string} root
 * @param {(path: string) => boolean} wanted
 * @returns {string[]} paths relative to the root, with forward slashes, sorted
 */
export function findFiles(root, wanted) {
  const walk = (folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      // In a linked worktree, `.git` is a file.
      if (NOT_OURS.has(entry.name)) return []
      if (entry.isDirectory()) return walk(path)
      return entry.isFile() && wanted(path) ? [path] : []
    })
  return walk('').toSorted()
}

/** @param {string} path */
export function readText(path) {
  return readFileSync(path, 'utf8')
}

/**
 * The packages' sources, without their tests.
 *
 * @param {string} root
 * @returns {{ path: string, text: string }[]}
 */
export function readSources(root) {
  const paths = findFiles(root, (path) => SOURCE.test(path) && !/\.test(-support)?\.ts$/.test(path))
  return paths.map((path) => ({ path, text: readText(join(root, path)) }))
}
