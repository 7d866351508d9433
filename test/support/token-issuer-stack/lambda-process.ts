import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The result of an invocation, as `aws lambda invoke` reports it. */
export interface Invocation {
  readonly value?: unknown
  readonly error?: { readonly errorType: string; readonly errorMessage: string }
}

/** A function in a separate process. */
export interface LambdaProcess {
  /** @param milliseconds how much time the function has. @defaultValue 60 s */
  invoke(event: unknown, milliseconds?: number): Promise<Invocation>
  /** What it has printed so far. */
  log(): string
  stop(): Promise<void>
}

/** A function to start. */
export interface LambdaOptions {
  /** The folder with the code. It is copied, so that nothing outside of it can be imported. */
  readonly folder: URL
  /** For example `index.handler`. */
  readonly handler: string
  /** All variables that the function has. */
  readonly environment: Readonly<Record<string, string>>
}

/** Starts a function. Rejects with its output if it cannot be loaded. */
export const startLambda = async ({ folder, handler, environment }: LambdaOptions): Promise<LambdaProcess> => {
  const root = await mkdtemp(join(tmpdir(), 'lambda-'))
  await cp(folder, root, { recursive: true })
  const child = fork(fileURLToPath(new URL('lambda-runtime.mjs', import.meta.url)), [], {
    cwd: root,
    env: { ...environment, LAMBDA_TASK_ROOT: root, _HANDLER: handler },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const closed = once(child, 'close')
  const waiting = new Map<number, (result: Invocation) => void>()
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  let next = 0
  await new Promise<void>((resolve, reject) => {
    closed.then(() => reject(new Error(output)), reject)
    child.on('message', (message: { readonly id?: number } & Invocation) => {
      if (message.id === undefined) resolve()
      else waiting.get(message.id)?.(message)
    })
  })
  return {
    invoke: async (event, milliseconds = 60_000) => {
      next += 1
      const id = next
      const result = new Promise<Invocation>((resolve) => waiting.set(id, resolve))
      child.send({ id, event: JSON.parse(JSON.stringify(event)) as object, milliseconds })
      return result
    },
    log: () => output,
    stop: async () => {
      child.kill()
      await closed
      await rm(root, { recursive: true })
    },
  }
}
