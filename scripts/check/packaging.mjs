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
    const problems = []
    for (const { tarball } of packages) {
      const verdicts = await Promise.all([
        runCommand('publint', ['run', tarball, '--strict']),
        runCommand('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii']),
      ])
      problems.push(...verdicts.flat())
    }
    return problems
  } finally {
    remove()
  }
}
