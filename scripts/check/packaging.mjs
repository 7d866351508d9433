import { packPackages } from '../pack.mjs'
import { runCommand } from './run-command.mjs'

/**
 * Packs every public package and checks the tarballs with publint and attw.
 *
 * @param {string} root the repository's root; packages must be built
 * @returns {Promise<string[]>} their output, if they found problems
 */
export async function checkPackaging(root) {
  const { packages, remove } = await packPackages(root)
  try {
    const verdicts = packages.flatMap(({ tarball }) => [
      () => runCommand('publint', ['run', tarball, '--strict']),
      () => runCommand('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii']),
    ])
    const problems = []
    for (const verdict of verdicts) problems.push(...(await verdict()))
    return problems
  } finally {
    remove()
  }
}
