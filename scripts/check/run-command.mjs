import { spawn } from 'node:child_process'

/**
 * Runs a command of `node_modules/.bin` and waits for it to exit.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {Promise<string[]>} an empty list if it exits with 0, otherwise all its output, line by line
 */
export async function runCommand(command, args, cwd = process.cwd()) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
  const printed = []
  child.stdout.on('data', (chunk) => printed.push(chunk))
  child.stderr.on('data', (chunk) => printed.push(chunk))
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `exited with ${code ?? signal}`))
  })
  if (outcome === undefined) return []
  return [...Buffer.concat(printed).toString('utf8').trimEnd().split('\n'), `${command} ${outcome}`]
}
