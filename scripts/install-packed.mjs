// Installs a package, packed as for a release, into an empty project. It links the workspace's dependencies, so that nothing is
// downloaded.
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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
  try {
    return installPackages(root, packages, { without })
  } finally {
    remove()
  }
}

/**
 * Installs packed packages, and their programs, into an empty project.
 *
 * @param {string} root the repository's root
 * @param {readonly import('./pack.mjs').PackedPackage[]} packages packages of ours, with those of ours that they depend on
 * @param {{ without?: readonly string[] }} [options] dependencies to omit
 * @returns {PackedProject} `package` is the first one
 */
export function installPackages(root, packages, { without = [] } = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'claimgate-project-')))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const manifests = packages.map((packed) => JSON.parse(readFileSync(join(packed.folder, 'package.json'), 'utf8')))
  const names = new Set([...without, ...manifests.map(({ name }) => name)])
  for (const [index, { name, dependencies, bin = {} }] of manifests.entries()) {
    const installed = place(folder, name)
    cpSync(packages[index].folder, installed, { recursive: true })
    for (const dependency of Object.keys(dependencies).filter((wanted) => !names.has(wanted))) {
      names.add(dependency)
      symlinkSync(
        realpathSync(join(root, 'packages', packages[index].name, 'node_modules', dependency)),
        place(folder, dependency),
      )
    }
    for (const [command, file] of Object.entries(bin)) {
      chmodSync(join(installed, file), 0o755)
      symlinkSync(join(installed, file), place(folder, `.bin/${command}`))
    }
  }
  const remove = () => rmSync(folder, { recursive: true, force: true })
  return { folder, package: join(folder, 'node_modules', manifests[0].name), remove }
}

function place(folder, name) {
  const path = join(folder, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  return path
}
