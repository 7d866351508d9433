import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const BENCH = join(import.meta.dirname, '..')
const ROOT = join(BENCH, '../..')

/**
 * A description of the machine, without anything that identifies it.
 *
 * @returns {string}
 */
export function describeMachine() {
  const model = cpus()[0]?.model.trim() || 'unknown processor'
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${model}, ${availableParallelism()} cores, ${memory} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`
}

/**
 * @returns {Record<string, string>} the versions of our packages and of all peers, by name
 */
export function versions() {
  const { dependencies } = manifest(BENCH)
  const installed = Object.keys(dependencies).map((name) => [name, manifest(join(BENCH, 'node_modules', name)).version])
  return Object.fromEntries([['@claimgate/core', manifest(join(ROOT, 'packages/core')).version], ...installed])
}

/**
 * Both copies of jose must have the same version: that of core, and that of the comparison.
 *
 * @throws Error if they differ
 */
export function assertSameJose() {
  const ours = manifest(join(ROOT, 'packages/core/node_modules/jose')).version
  const compared = manifest(join(BENCH, 'node_modules/jose')).version
  if (ours !== compared) throw new Error(`core uses jose ${ours}, and test/bench compares with jose ${compared}`)
}

/**
 * The benchmarks run only on the Node version that the repository installs, not on the shell's `node`.
 *
 * @throws Error on any other version
 */
export function assertOwnNode() {
  const { optionalDependencies } = manifest(ROOT)
  if (process.versions.node !== optionalDependencies.node)
    throw new Error(`This is Node ${process.versions.node}: run "npm run bench", or node_modules/.bin/node`)
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
