// The command `claimgate serve` as a process.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { takeFinds } from '../secrets/watch.ts'

/** What `serve --json` prints. */
export interface ServeFacts {
  readonly issuer: string
  readonly audience: string | null
  readonly provider: string | null
  readonly configuration: readonly string[] | null
  readonly token: string
  readonly metadata: string
  readonly jwksUri: string
  readonly rotate: string
  readonly outage: string
  readonly recover: string
}

/** A running `serve`. */
export interface RunningServe extends AsyncDisposable {
  readonly facts: ServeFacts
  readonly port: string
  /** All lines on standard output so far. */
  readonly lines: readonly string[]
  /** Ends it with a signal, and gives its exit code. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>
}

const PROGRAM = join(import.meta.dirname, '../../../packages/cli/dist/main.js')

/** Starts `claimgate serve` on a free port. */
export async function startServe(...args: readonly string[]): Promise<RunningServe> {
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0', '--json', ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line))
  await once(reader, 'line')
  // It prints a token, as intended.
  takeFinds()
  const facts = JSON.parse(lines[0] ?? '') as ServeFacts
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => stopped(child, signal)
  return {
    facts,
    port: new URL(facts.metadata).port,
    lines,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const closed = child.exitCode === null ? once(child, 'close') : undefined
  child.kill(signal)
  await closed
  return child.exitCode
}
