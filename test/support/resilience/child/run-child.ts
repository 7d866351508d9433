import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** How a program ended, and its output. */
export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

export interface RunningChild {
  /** Writes a line to its standard input. */
  tell(line: string): void
  /** Resolves when its output contains a text. */
  says(text: string): Promise<void>
  /** Its output so far. */
  output(): string
  readonly ended: Promise<Ended>
  kill(): void
}

export interface ChildOptions {
  /** Arguments of Node. @defaultValue none */
  readonly flags?: readonly string[]
  /** Variables besides those of this process. @defaultValue none */
  readonly env?: Readonly<Record<string, string>>
  /** The Node to run it with. @defaultValue this one */
  readonly node?: string
}

/** Starts a program of this folder with the flags of a strict operator. */
export function startChild(program: string, args: readonly string[], options: ChildOptions = {}): RunningChild {
  const { flags = [], env = {}, node = process.execPath } = options
  const hooks = pathToFileURL(join(import.meta.dirname, 'source-hooks.mjs')).href
  const child = spawn(
    node,
    [
      '--unhandled-rejections=strict',
      '--disable-warning=ExperimentalWarning',
      ...flags,
      '--import',
      hooks,
      join(import.meta.dirname, program),
      ...args,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...withoutVitest(process.env), ...env } },
  )
  let output = ''
  let errors = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    for (const look of listeners) look()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, output, errors })
      for (const look of listeners) look()
    })
  })
  return {
    ended,
    output: () => output,
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill: () => void child.kill(),
    says: async (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.includes(text)) resolve()
          else if (child.exitCode !== null) reject(new Error(`It ended with ${child.exitCode}: ${errors}`))
        }
        listeners.add(look)
        look()
      }),
  }
}

// A program under test must not detect the test.
function withoutVitest(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(VITEST|NODE_OPTIONS|NODE_V8)/.test(name)),
  )
}
