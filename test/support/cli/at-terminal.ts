// Runs the command line under a pseudo-terminal, with `script` of util-linux.
import { spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { PROGRAM } from './run-cli.ts'

/** Whether there is a `script`: minimal images leave it out. */
export const hasScript: boolean = (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
  try {
    accessSync(join(folder, 'script'))
    return true
  } catch {
    return false
  }
})

/** What happens at the terminal. */
export interface AtTerminal {
  /** What is typed. @defaultValue nothing */
  readonly typed?: string
  /** What the terminal must show first. @defaultValue the prompt for a secret */
  readonly after?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `claimgate`, types, and gives its exit code and what the terminal shows. */
export async function atTerminal(
  args: readonly string[],
  { typed = '', after = '(not shown)', env = {} }: AtTerminal = {},
): Promise<{ readonly code: number | null; readonly shown: string }> {
  // Without `exec`, the exit code of Ctrl-C would be that of the shell.
  const command = ['exec', process.execPath, PROGRAM, ...args].join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
  })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const before = shown
    shown += text
    if (!before.includes(after) && shown.includes(after)) child.stdin.write(typed)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, shown }))
  })
}
