import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { build } from 'esbuild'

/** Bytes of core's entry with all it imports, minified and gzipped, as a worker would ship it. */
export const WORKER_BUDGET = 36_000

const WORKER_CONDITIONS = ['workerd', 'worker', 'browser']

/**
 * @param {string} root the repository's root; core must be built
 * @returns {Promise<string[]>} a sentence for each way the worker bundle is not fit to ship
 */
export async function checkBundleSize(root) {
  const { size, foreign } = await bundleForWorkers(join(root, 'packages/core/dist/index.js'))
  const tooBig =
    size > WORKER_BUDGET ? [`the worker bundle has ${size} bytes, ${size - WORKER_BUDGET} more than its budget`] : []
  return [...tooBig, ...foreign.map((specifier) => `the worker bundle reaches ${specifier}`)]
}

/**
 * @param {string} entry absolute path of a built file
 * @returns {Promise<{ size: number, foreign: string[] }>} bytes after gzip, and what no worker can run: Node's modules
 *   and undici
 */
export async function bundleForWorkers(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
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
