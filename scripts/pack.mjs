// Packs public packages the way a release does (`workspace:` ranges replaced), without using the network.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { runCommand } from './check/run-command.mjs'
import { PNPM } from './pnpm.mjs'

/**
 * @typedef {object} PackedPackage
 * @property {string} name the folder under `packages`
 * @property {string} tarball absolute path of the `.tgz`
 * @property {string} folder absolute path of the tarball's unpacked contents
 */

/**
 * @param {string} root the repository's root; packages must be built
 * @param {readonly string[]} [names] folders under `packages`; all that are published, unless told otherwise
 * @returns {Promise<{ packages: PackedPackage[], remove: () => void }>} `remove` deletes the tarballs again
 */
export async function packPackages(root, names = publicPackages(root)) {
  const folder = mkdtempSync(join(tmpdir(), 'claimgate-pack-'))
  const filters = names.flatMap((name) => ['--filter', `./packages/${name}`])
  const pack = ['-r', ...filters, 'pack', '--pack-destination', folder]
  await succeed('npx', ['--yes', '--prefer-offline', PNPM, ...pack], root)
  return {
    packages: await Promise.all(names.map((name) => unpack(root, name, folder))),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/**
 * @param {string} root
 * @returns {string[]} folders under `packages` that are published
 */
export function publicPackages(root) {
  return readdirSync(join(root, 'packages')).filter((name) => manifestOf(root, name).private !== true)
}

async function unpack(root, name, folder) {
  const manifest = manifestOf(root, name)
  const base = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}`
  const tarball = join(folder, `${base}.tgz`)
  const unpacked = join(folder, base)
  // Node has no tar of its own; every system that has npm has one.
  await succeed('mkdir', [unpacked])
  await succeed('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'])
  return { name, tarball, folder: unpacked }
}

function manifestOf(root, name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
}

async function succeed(command, args, cwd) {
  const problems = await runCommand(command, args, cwd)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
