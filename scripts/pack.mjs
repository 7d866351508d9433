// Packs public packages like a release (with `workspace:` ranges replaced), without using the network.
// `node scripts/pack.mjs <folder>` keeps the tarballs in that folder and prints how to install them.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

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
 * @param {readonly string[]} [names] folders under `packages`; by default, all that are published
 * @returns {Promise<{ packages: PackedPackage[], remove: () => void }>} `remove` deletes the tarballs
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
  const tarball = join(folder, tarballOf(manifest))
  const unpacked = tarball.replace(/\.tgz$/, '')
  // Node has no tar; every system with npm has one.
  await succeed('mkdir', [unpacked])
  await succeed('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'])
  return { name, tarball, folder: unpacked }
}

function tarballOf({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}

function manifestOf(root, name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
}

async function succeed(command, args, cwd) {
  const problems = await runCommand(command, args, cwd)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

/** Packages that no program needs when it runs. */
const TOOLS = ['@claimgate/cli', '@claimgate/testing']

/** Each package with its dependencies and its framework, as arguments of `npm install`. */
function installLines(root, names, folder) {
  const manifests = new Map(names.map((name) => [`@claimgate/${name}`, manifestOf(root, name)]))
  const ours = (name) => {
    const before = Object.keys(manifests.get(name).dependencies ?? {}).filter((wanted) => manifests.has(wanted))
    return [...new Set([...before.flatMap(ours), name])]
  }
  return [...manifests].map(([name, { peerDependencies = {}, peerDependenciesMeta = {} }]) => {
    const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true)
    const tarballs = ours(name).map((own) => join(folder, tarballOf(manifests.get(own))))
    const flags = TOOLS.includes(name) ? ['--save-dev'] : []
    return [`${name}:`, ['npm install', ...flags, ...peers, ...tarballs].join(' ')].join('\n')
  })
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '..')
  const folder = resolve(process.argv[2] ?? 'tarballs')
  const { packages, remove } = await packPackages(root)
  mkdirSync(folder, { recursive: true })
  for (const { tarball } of packages) copyFileSync(tarball, join(folder, basename(tarball)))
  remove()
  const lines = installLines(root, publicPackages(root), folder)
  console.log(['In your project, run the line of the package you need.', ...lines].join('\n\n'))
}
