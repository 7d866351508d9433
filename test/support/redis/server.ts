import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../docs/free-port.ts'
import { installed } from '../mtls/proxies.ts'

const path = installed('redis-server')

/** The program that tests run against, if it is installed, and if it is not: for `describe.each` and `it.each`. */
export const INSTALLED: readonly string[] = path === undefined ? [] : ['redis-server']
export const MISSING: readonly string[] = path === undefined ? ['redis-server'] : []

/** A Redis server of a test. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Stops answering, with all connections open, until `resume`. */
  stall(): void
  resume(): void
  close(): Promise<void>
}

/** Starts a server on a port, or on a free one. It writes no files, and ends with `close`. */
export async function startRedis(settings: readonly string[] = [], port?: number): Promise<RedisServer> {
  if (path === undefined) throw new Error('redis-server is not installed')
  const chosen = port ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'claimgate-redis-'))
  const fixed = ['--port', String(chosen), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn(path, [...fixed, ...settings], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const closed = once(child, 'close')
  while (!log.includes('Ready to accept connections')) {
    if (child.exitCode !== null) throw new Error(`redis-server has ended: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return {
    port: chosen,
    url: `redis://127.0.0.1:${chosen}`,
    stall: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    close: async () => {
      child.kill('SIGKILL')
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A TCP server that accepts connections and never answers. */
export async function startSilentServer(): Promise<Pick<RedisServer, 'url' | 'close'>> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
