import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const CORE = 'packages/core'

/**
 * @typedef {object} EarlierBuild
 * @property {string} name
 * @property {string} core the path of its built `index.js`
 */

/**
 * Builds core as it was at an earlier commit, with today's compiler and dependencies, in a folder that is removed at the end.
 *
 * @param {string} commit
 * @returns {EarlierBuild}
 * @throws Error if the commit is unknown, or its core does not build
 */
export function buildEarlier(commit) {
  const folder = mkdtempSync(join(tmpdir(), 'earlier-'))
  const sources = execFileSync('git', ['archive', commit, CORE, 'tsconfig.base.json'], { cwd: ROOT, maxBuffer: 1e9 })
  execFileSync('tar', ['-x', '-C', folder], { input: sources })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'))
  symlinkSync(join(ROOT, CORE, 'node_modules'), join(folder, CORE, 'node_modules'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const projects = globSync(join(folder, CORE, 'tsconfig*.json'))
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-b', ...projects], { stdio: 'inherit' })
  return { name: `claimgate at ${commit}`, core: join(folder, CORE, 'dist/index.js') }
}
