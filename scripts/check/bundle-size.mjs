import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { build } from 'esbuild'

/** The maximum size in bytes of a worker bundle, minified and gzipped with all imports, by the names imported from core's entry. */
export const WORKER_BUDGETS = {
  '*': 61_700,
  '{ createVerifier }': 49_000,
}

const WORKER_CONDITIONS = ['workerd', 'worker', 'browser']

/**
 * @param {string} root the repository's root; core must be built
 * @returns {Promise<string[]>} one sentence for each problem of the worker bundle
 */
export async function checkBundleSize(root) {
  const problems = []
  for (const [names, budget] of Object.entries(WORKER_BUDGETS)) {
    const { size, foreign } = await bundleForWorkers(join(root, 'packages/core/dist/index.js'), names)
    if (size > budget) problems.push(`a worker with ${names} has ${size} bytes, ${size - budget} more than its budget`)
    problems.push(...foreign.map((specifier) => `a worker with ${names} reaches ${specifier}`))
  }
  return problems
}

/**
 * @param {string} entry absolute path of a built file
 * @param {string} [names] the names to include, in the syntax of an `export` declaration
 * @returns {Promise<{ size: number, foreign: string[] }>} bytes after gzip, and the modules that a worker cannot run: Node's modules
 *   and undici
 */
export async function bundleForWorkers(entry, names = '*') {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${names} from ${JSON.stringify(entry)}`, resolveDir: dirname(entry) },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: WORKER_CONDITIONS,
    external: ['node:*'],
    logLevel: 'silent',
  })
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const undici = Object.keys(metafile.inputs).some((path) => path.includes('/undici/')) ? ['undici'] : []
  return {
    size: gzipSync(outputFiles[0].contents, { level: 9 }).length,
    foreign: [...new Set([...external, ...undici])],
  }
}
