// A pool for Vitest whose worker stays for many mutants. Loading our modules again takes longer than most tests, and Stryker
// switches a mutant on while the program runs, so the modules can stay. Test files are loaded for each run.
import { ThreadsPoolWorker } from 'vitest/node'

/** After so many runs a new worker replaces the old one, because a mutant can leave timers, servers and cached values behind. */
const RUNS = 100

const NAME = 'kept-worker'

/** @type {KeptWorker | undefined} */
let kept

class KeptWorker extends ThreadsPoolWorker {
  name = NAME
  runs = 0

  async start() {
    if (this.runs++ > 0) return
    await super.start()
    this.thread.unref()
    this.thread.on('exit', () => this.drop())
  }

  /** Vitest stops its worker after each run: answer for a worker that stays. */
  send(message) {
    if (message.type !== 'stop') return super.send(message)
    this.thread.emit('message', { type: 'stopped', __vitest_worker_response__: true })
  }

  async stop() {
    this.thread.removeAllListeners('message')
    if (this.runs < RUNS && kept === this) return
    this.drop()
    await super.stop()
  }

  drop() {
    if (kept === this) kept = undefined
  }
}

/**
 * Stryker chooses the pool, and knows only those of Vitest: a plugin has the last word.
 *
 * @returns {import('vitest/node').Vite.Plugin}
 */
export function keptWorker() {
  return {
    name: NAME,
    configureVitest({ project }) {
      project.config.pool = NAME
      project.config.poolRunner = { name: NAME, createPoolWorker: (options) => (kept ??= new KeptWorker(options)) }
    },
  }
}
