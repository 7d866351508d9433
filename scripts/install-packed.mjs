// Installs a package, packed as for a release, into an empty project. It links the workspace's dependencies, so that nothing is
// downloaded.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { packPackages } from './pack.mjs'

/**
 * @typedef {object} PackedProject
 * @property {string} folder absolute path of the project
 * @property {string} package absolute path of the installed package
 * @property {() => void} remove deletes the project
 */

/**
 * @param {string} root the repository's root; packages must be built
 * @param {string} name the folder under `packages`; the package must not depend on another of ours
 * @param {{ without?: readonly string[] }} [options] dependencies to omit, to simulate a broken installation
 * @returns {Promise<PackedProject>}
 */
export async function installPacked(root, name, { without = [] } = {}) {
  const { packages, remove } = await packPackages(root, [name])
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'claimgate-project-')))
  try {
    const manifest = JSON.parse(readFileSync(join(packages[0].folder, 'package.json'), 'utf8'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const installed = place(folder, manifest.name)
    cpSync(packages[0].folder, installed, { recursive: true })
    for (const dependency of Object.keys(manifest.dependencies).filter((wanted) => !without.includes(wanted)))
      symlinkSync(realpathSync(join(root, 'packages', name, 'node_modules', dependency)), place(folder, dependency))
    return { folder, package: installed, remove: () => rmSync(folder, { recursive: true, force: true }) }
  } finally {
    remove()
  }
}

function place(folder, name) {
  const path = join(folder, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  return path
}
