import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startProcess } from '../processes/start-process.mjs'

/** Whether instructions can be counted here. */
export const CAN_COUNT = spawnSync('callgrind_control', ['--version']).status === 0

/**
 * Starts a module as a process whose instructions are counted, those of its threads included. V8 collects garbage on the main thread, so that
 * counts of equal runs are equal within about one percent.
 *
 * @param {string} path
 * @param {readonly string[]} args
 * @returns {Pick<import('../processes/start-process.mjs').Companion, 'ask' | 'stop'> & { count: (work: () => Promise<unknown>) => Promise<number> }}
 */
export function startCounted(path, args) {
  const folder = mkdtempSync(join(tmpdir(), 'instructions-'))
  const under = [
    'valgrind',
    '--quiet',
    '--tool=callgrind',
    '--smc-check=all-non-file',
    // The output file is absent until the first dump, and no file is written at the end.
    `--callgrind-out-file=${join(folder, 'counts')}`,
  ]
  const { ask, stop, pid } = startProcess(path, { args, under, flags: ['--single-threaded'] })
  const control = (option) => spawnSync('callgrind_control', [option, String(pid)])
  return {
    ask,
    // When it ends, it writes into the folder again.
    stop: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
    count: async (work) => {
      control('--zero')
      await work()
      control('--dump')
      const [dump] = readdirSync(folder).filter((name) => name.startsWith('counts.'))
      const text = readFileSync(join(folder, dump), 'utf8')
      rmSync(join(folder, dump))
      return Number(/^(?:totals|summary): (\d+)/m.exec(text)[1])
    },
  }
}
