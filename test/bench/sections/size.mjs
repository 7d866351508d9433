import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { bundleForWorkers } from '../../../scripts/check/bundle-size.mjs'
import { installPacked } from '../../../scripts/install-packed.mjs'
import { shuffled } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const ROOT = join(import.meta.dirname, '../../..')

/**
 * The size and import time of core, including the parts of jose that core imports.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function size({ rounds }) {
  // The published files: tests and examples run unbundled ones.
  const project = await installPacked(ROOT, 'core')
  const imported = {
    jose: join(project.folder, 'node_modules/jose/dist/webapi/index.js'),
    claimgate: join(project.package, 'bundle/index.js'),
  }
  const samples = { jose: [], claimgate: [] }
  for (let round = 0; round <= rounds; round += 1)
    for (const name of shuffled(Object.keys(samples), Math.random)) {
      const milliseconds = await importTime(imported[name])
      // The first round only loads the files into memory.
      if (round > 0) samples[name].push(milliseconds)
    }
  project.remove()
  const { size: bytes } = await bundleForWorkers(join(import.meta.dirname, '../entries/create-verifier.mjs'))
  return {
    comparisons: [
      comparison({ title: 'Import in a fresh process', unit: 'ms', samples, limit: 'jose', ours: 'claimgate' }),
    ],
    facts: [{ name: 'Worker bundle of createVerifier, minified and gzipped', value: bytes, unit: 'bytes' }],
  }
}

async function importTime(path) {
  const script = `const started = performance.now()
    await import(${JSON.stringify(pathToFileURL(path).href)})
    console.log(performance.now() - started)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  return Number(stdout)
}
