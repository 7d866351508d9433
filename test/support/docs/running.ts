import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './free-port.ts'

/** A server that was started from a file. */
export interface Running {
  readonly url: string
  /** What it has written to stderr so far. */
  log(): string
  close(): Promise<void>
}

/** Starts a program that listens on `PORT`, and waits until it answers. */
export async function run(file: string, environment: Readonly<Record<string, string>>): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = spawn(process.execPath, [file], {
    env: { ...process.env, ...environment, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const closed = once(server, 'close')
  while ((await fetch(url).catch(() => undefined)) === undefined) {
    if (server.exitCode !== null) throw new Error(`The program has ended: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    log: () => log,
    close: async () => {
      server.kill()
      await closed
    },
  }
}
