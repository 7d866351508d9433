import type { Command } from 'commander'

import type { ExitCode, Outcome } from './outcome.ts'
import type { Terminal } from './terminal/terminal.ts'

/**
 * One command: a module in `commands` that declares its arguments and options, and imports what it runs only when it runs,
 * because every command would otherwise pay for the imports of all.
 */
export interface CommandModule {
  /** The command's name, as in `claimgate NAME`. */
  readonly name: string
  /** One sentence for the help. */
  readonly summary: string
  /** Adds the arguments and options. The program adds `--json`. */
  readonly declare: (command: Command) => void
  /**
   * Runs it. `args` are the declared arguments, `options` the values of the options by their camel-case names.
   * Returns what to print, or, after a command that has printed by itself, the exit code.
   */
  readonly run: (
    args: readonly (string | undefined)[],
    options: Readonly<Record<string, unknown>>,
    terminal: Terminal,
  ) => Promise<Outcome | ExitCode>
}
