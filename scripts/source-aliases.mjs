// Lets tests import packages by name but run their sources: maps `./dist/x.js` in a package's exports to `src/x.ts`.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const WORKSPACES = ['packages', 'examples']

/**
 * Vite aliases from every package's public entry points to their source files.
 *
 * @param {string} root the repository's root
 * @returns {{ find: RegExp, replacement: string }[]}
 */
export function sourceAliases(root) {
  return WORKSPACES.flatMap((workspace) => folders(join(root, workspace)).flatMap(packageAliases))
}

function folders(parent) {
  return readdirSync(parent).map((name) => join(parent, name))
}

function packageAliases(folder) {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return []
  const { name, exports = {}, imports = {} } = JSON.parse(readFileSync(manifest, 'utf8'))
  return [
    ...Object.entries(exports).map(([subpath, target]) => alias(folder, name + subpath.slice(1), target)),
    ...Object.entries(imports).map(([specifier, target]) => alias(folder, specifier, target)),
  ].filter((entry) => entry !== undefined)
}

function alias(folder, specifier, target) {
  const built = typeof target === 'string' ? target : (target.node ?? target.default)
  const [, path] = /^\.\/dist\/(.+)\.js$/.exec(built) ?? []
  if (path === undefined) return undefined
  return {
    find: new RegExp(`^${specifier.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)}$`),
    replacement: join(folder, 'src', `${path}.ts`),
  }
}
