import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { freePort } from '../../../test/support/docs/free-port.ts'

// The commands of the page, run from the top of the repository, with other ports.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const commands = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, command = '']) => command.trim())
const [, printed = ''] = /```\n(DPoP at [^]*?)```/.exec(page) ?? []

it('the page has commands to set up and to run, which print what it says', async () => {
  const [setUp, run = '', ...more] = commands
  expect([setUp, more]).toEqual(['npm run setup && npm run build', []])
  const [port, tlsPort] = [await freePort(), await freePort()]
  const withPorts = (text: string): string => text.replaceAll('4060', String(port)).replaceAll('4061', String(tlsPort))
  const child = spawn('bash', ['-c', withPorts(run)], { cwd: root })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect(texts.stdout, texts.stderr).toBe(withPorts(printed))
  expect(code).toBe(0)
}, 60_000)
