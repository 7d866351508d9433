import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../test/support/docs/free-port.ts'
import { INSTALLED, MISSING } from '../../../test/support/redis/server.ts'

// The commands of the page, run from the top of the repository, with other ports.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const [setUp = '', startRedis = '', runFleet = '', ...more] = [...page.matchAll(/```sh\n([^]*?)```/g)].map(
  ([, command = '']) => command,
)
const [, printed = ''] = /```\n(three [^]*?)```/.exec(page) ?? []

it('the page has commands to set up, to start Redis and to run the fleet', () => {
  expect(setUp.trim()).toBe('npm run setup && npm run build')
  expect(startRedis).toContain('redis-server --port 4051')
  expect(runFleet).toContain('dist/main.js')
  expect(more).toEqual([])
})

it.each(MISSING)('the commands are not run, because %s is not installed', () => {
  expect(INSTALLED).toEqual([])
})

describe.each(INSTALLED)('the commands, with %s', () => {
  let ports: readonly [number, number]
  let folder: string
  beforeAll(async () => {
    ports = [await freePort(), await freePort()]
    folder = await mkdtemp(join(tmpdir(), 'claimgate-fleet-'))
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  const withPorts = (text: string): string =>
    text.replaceAll('4050', String(ports[0])).replaceAll('4051', String(ports[1]))

  /** Starts Redis as the page says, in a folder of the test. */
  const redis = async (command: string): Promise<() => Promise<void>> => {
    const child = spawn('bash', ['-c', `exec ${withPorts(command)}`], { cwd: folder })
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('Ready to accept connections')) resolve()
      })
      child.once('close', () => reject(new Error(output)))
    })
    return async () => {
      const closed = once(child, 'close')
      child.kill()
      await closed
    }
  }

  const run = async (command: string): Promise<{ readonly stdout: string; readonly stderr: string }> => {
    const child = spawn('bash', ['-c', withPorts(command)], { cwd: root })
    const texts = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
    await once(child, 'close')
    return texts
  }

  it('print what the page says: all refuse an ended session, one accepts a proof, one fetches the keys', async () => {
    const stop = await redis(startRedis)
    const { stdout, stderr } = await run(runFleet)
    expect(stdout, stderr).toBe(withPorts(printed))
    expect(stderr).toContain('found "a revoked session"')
    await stop()
  }, 60_000)

  it('do not start the fleet if Redis may evict entries', async () => {
    const stop = await redis(startRedis.replace('noeviction', 'allkeys-lru'))
    const { stdout, stderr } = await run(runFleet)
    expect(stdout).toBe('')
    expect(stderr).toContain('Redis may evict entries: maxmemory-policy is "allkeys-lru"')
    await stop()
  }, 60_000)
})
