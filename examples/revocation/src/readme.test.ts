import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { freePort } from '../../../test/support/docs/free-port.ts'

// The commands of the page, run from the top of the repository, with other ports.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const commands = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, command = '']) => command.trim())
const [, printed = ''] = /```\n(ada on her laptop[^]*?)```/.exec(page) ?? []

it('the page has commands to set up and to run the example', () => {
  expect(commands).toEqual(['npm run setup && npm run build', expect.stringContaining('revocation/dist/main.js')])
})

it('the command prints what the page says', async () => {
  const [port, provider] = [await freePort(), await freePort()]
  const command = (commands[1] ?? '').replace('4090', String(port)).replace('4091', String(provider))
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: root })
  expect(stdout).toBe(printed)
}, 60_000)
