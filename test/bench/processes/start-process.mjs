import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

/**
 * @typedef {object} Companion
 * @property {(command: string, rest?: object) => Promise<any>} ask
 * @property {() => Promise<void>} stop resolves when the process has ended
 * @property {number | undefined} pid
 */

/**
 * Starts a module as a process that answers messages, on one core if requested and possible.
 *
 * @param {string} path absolute path of the module
 * @param {{ core?: number, args?: readonly string[], under?: readonly string[], flags?: readonly string[] }} [options] `under` is a
 * command that runs Node, `flags` are those of Node
 * @returns {Companion}
 */
export function startProcess(path, { core, args = [], under = [], flags = [] } = {}) {
  // Warnings of libraries would appear between the results.
  const node = [...under, process.execPath, '--no-warnings', ...flags, path, ...args]
  const [command, ...rest] = core !== undefined && CAN_PIN ? ['taskset', '-c', String(core), ...node] : node
  const child = spawn(command, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const waiting = new Map()
  let last = 0
  let ended = false
  const end = (code) => new Error(`${[path, ...args].join(' ')} ended with ${code}`)
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  })
  child.on('exit', (code) => {
    ended = true
    for (const { reject } of waiting.values()) reject(end(code))
  })
  return {
    ask: async (name, more = {}) => {
      if (ended) throw end(child.exitCode)
      const id = (last += 1)
      const { promise, resolve, reject } = Promise.withResolvers()
      waiting.set(id, { resolve, reject })
      child.send({ id, command: name, ...more })
      return promise
    },
    stop: async () => {
      child.kill()
      if (!ended) await once(child, 'exit')
    },
    pid: child.pid,
  }
}

/** Whether processes can run on one core each here: that needs `taskset` and two cores. */
const CAN_PIN = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0
