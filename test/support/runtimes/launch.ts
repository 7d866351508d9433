import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A program that serves the driver, as a child of the test. */
export interface Launched {
  readonly origin: string
  /** The runtime's version, if its host reports it. */
  readonly version: string | undefined
  /** The end of its stderr output, which shows why it stopped. */
  complaints(): string
  stop(): Promise<void>
}

interface Announcement {
  readonly event?: string
  readonly port?: number
  readonly version?: string
}

/** Starts a program that announces its port as a line of JSON on stdout: `{"event":"listen","port":49152}`. */
export async function launch(command: string, parameters: readonly string[], folder: string): Promise<Launched> {
  const child = spawn(command, parameters, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
  const onExit = (): void => void child.kill('SIGKILL')
  process.once('exit', onExit)
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)))
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    process.off('exit', onExit)
    child.kill('SIGKILL')
    await exited
  }
  try {
    const { port, version } = await announcement(child)
    return { origin: `http://127.0.0.1:${port}`, version, complaints: () => complaints, stop }
  } catch (cause) {
    await stop()
    throw new Error(`${command} did not start:\n${complaints}`, { cause })
  }
}

// Nothing from the test runner, and no proxy between the runtime and 127.0.0.1.
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return { PATH, HOME, NO_COLOR: '1', DO_NOT_TRACK: '1', DENO_NO_UPDATE_CHECK: '1' }
}

function announcement(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Announcement> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`It ended with ${code} before it listened`)))
    createInterface(child.stdout).on('line', (line) => {
      const said = parse(line)
      if (said.event === 'listen' && said.port !== undefined) resolve(said)
    })
  })
}

function parse(line: string): Announcement {
  try {
    return JSON.parse(line) as Announcement
  } catch {
    return {}
  }
}
