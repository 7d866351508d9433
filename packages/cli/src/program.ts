import { readFile } from 'node:fs/promises'

import { Command, CommanderError } from 'commander'

import { refuseTokens } from './arguments.ts'
import type { CommandModule } from './command.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { keys } from './commands/keys.ts'
import { mint } from './commands/mint.ts'
import { probe } from './commands/probe.ts'
import { serve } from './commands/serve.ts'
import { CannotSay, type ExitCode } from './outcome.ts'
import { Interrupted } from './terminal/read-token.ts'
import { createTerminal, type Terminal } from './terminal/terminal.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandModule[] = [explain, doctor, keys, serve, mint, probe]

/** What a shell reports for a program that Ctrl-C ended. */
const INTERRUPTED = 130

/**
 * Runs `claimgate` with its arguments, and prints the outcome.
 *
 * @returns the exit code: 0, 1 or 2, see {@link ExitCode}, or 130 after Ctrl-C at a prompt
 */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal = createTerminal(argv.includes('--json')),
): Promise<number> {
  const progress = {
    command: argv.find((argument) => COMMANDS.some(({ name }) => name === argument)),
    exitCode: 0 as ExitCode,
  }
  try {
    refuseTokens(argv)
    const program = await programOf(terminal, (exitCode) => (progress.exitCode = exitCode))
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' })
    return progress.exitCode
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const message = messageOf(error)
    if (terminal.json) terminal.printJson({ command: progress.command ?? null, exitCode: 2, error: message })
    else terminal.note([{ style: 'bad', text: 'claimgate: ' }, message])
    return 2
  }
}

async function programOf(terminal: Terminal, ended: (exitCode: ExitCode) => void): Promise<Command> {
  const program = new Command('claimgate')
    .description(
      'See why a token is refused, what an issuer publishes, and what your own API lets in. Make tokens for tests.',
    )
    .version(await versionOf())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError()
  for (const module of COMMANDS) {
    const command = program.command(module.name).description(module.summary)
    module.declare(command)
    command.option('--json', 'print JSON')
    command.action(async () => {
      const outcome = await module.run(command.args, command.opts(), terminal)
      if (typeof outcome === 'number') return ended(outcome)
      const { exitCode, json, lines } = outcome
      terminal.print(...lines)
      terminal.printJson({ command: module.name, exitCode, ...json })
      return ended(exitCode)
    })
  }
  return program
}

/** What is printed about an error. Commander's sentences repeat arguments, which may be secrets. */
export function messageOf(error: unknown): string {
  if (error instanceof CannotSay) return error.message
  if (!(error instanceof CommanderError)) return `This is a bug of claimgate: ${stackOf(error)}`
  const help = 'Run: claimgate --help'
  if (error.code === 'commander.unknownCommand') return `There is no such command. ${help}`
  if (error.code === 'commander.excessArguments') return `There are too many arguments. ${help}`
  // A suggestion follows on a second line.
  const message = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  return `${error.code === 'commander.unknownOption' ? message.replace(/=[^']*/, '') : message}. ${help}`
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

async function versionOf(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
