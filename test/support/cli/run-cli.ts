// Runs the built command line as a process, as a user does.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Writable } from 'node:stream'

import { runProgram } from '../../../packages/cli/src/program.ts'
import { createTerminal } from '../../../packages/cli/src/terminal/terminal.ts'

/** The program that `claimgate` starts. */
export const PROGRAM = join(import.meta.dirname, '../../../packages/cli/dist/main.js')

/** What a process has written, and its exit code. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** What is on standard input. @defaultValue nothing */
  readonly input?: string
  /** Environment variables besides `PATH`. @defaultValue none */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `claimgate` with arguments as a process until it ends. */
export async function claimgate(args: readonly string[], { input = '', env = {} }: RunOptions = {}): Promise<Ran> {
  return runToEnd(process.execPath, [PROGRAM, ...args], { input, env })
}

/** Runs `claimgate` in this process, because a process of its kind takes half a second. `token` is what standard input holds. */
export async function inProcess(args: readonly string[], token = ''): Promise<Ran> {
  const [stdout, stderr] = [recorded(), recorded()]
  const terminal = createTerminal(args.includes('--json'), stdout.stream, stderr.stream)
  const code = await runProgram(args, { ...terminal, readSecret: async () => token })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** What is on standard error besides progress, which a busy machine shows. */
export function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^.* …\n/gm, '')
}

/** A stream that keeps what is written to it. */
export function recorded(): { readonly stream: Writable; text(): string } {
  const chunks: string[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

/** Like `inProcess` with `--json`: the exit code, and the one JSON value on standard output. */
export async function inJson(
  args: readonly string[],
  token = '',
): Promise<{ readonly code: number | null; readonly found: Found }> {
  const { code, stdout } = await inProcess([...args, '--json'], token)
  return { code, found: JSON.parse(stdout) as Found }
}

type Found = Readonly<Record<string, unknown>>

/** Runs a program until it ends. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { input = '', env = {} }: RunOptions,
): Promise<Ran> {
  // Nothing of this process's environment, because it may name proxies and certificates.
  const child = spawn(command, args, { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' })
  const read = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (read.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (read.stderr += text))
  // A program that ends without reading its input closes the pipe.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...read }))
  })
}
