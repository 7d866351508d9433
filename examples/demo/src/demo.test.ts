import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { STORY } from './story.ts'
import { takeFinds } from '../../../test/support/secrets/watch.ts'

const RUN = join(import.meta.dirname, '../run.mjs')

// A module that makes the servers of the demo answer 200 to requests without a token.
const OPEN_TO_ANYONE = `data:text/javascript,${encodeURIComponent(`
  const real = globalThis.fetch
  globalThis.fetch = async (url, init) =>
    String(url).endsWith('/protected') && init.headers.authorization === undefined
      ? Response.json({ caller: 'anonymous' })
      : real(url, init)
`)}`

const start = (args: readonly string[] = [], nodeOptions: readonly string[] = []) => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...nodeOptions, RUN, ...args], {
    env: { ...process.env, FORCE_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, output, ended }
}

const told = (async () => {
  const { output, ended } = start()
  return { code: await ended, output }
})()

describe('the demo', { timeout: 60_000 }, () => {
  it('runs to the end, with every answer as expected, and no colours outside a terminal', async () => {
    const { code, output } = await told
    expect(code).toBe(0)
    expect(output.err).toBe('')
    expect(output.out).not.toContain('\u001B')
    expect(output.out).not.toContain('✗')
    expect(output.out).not.toMatch(/eyJ/)
    const lines = output.out.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(80)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120)
    expect(output.out).toMatch(
      /auth: 204[^]+the laptop's token → express, fastify: 401[^]+the phone's token → express, fastify: 200/,
    )
    for (const [index, { title }] of STORY.entries()) expect(output.out).toContain(`\n${index + 1}. ${title}\n`)
    expect(output.out).toMatch(/\n✓ \d{2} answers as expected, 0 not\n$/)
  })

  it.each([
    'audience_mismatch',
    'token_expired',
    'algorithm_not_allowed',
    'signature_invalid',
    'insufficient_scope',
    'keys_unavailable',
  ])('explains %s', async (code) => {
    expect((await told).output.out).toMatch(new RegExp(`why: .*\\(${code}\\)`))
  })

  it('exits with 1 and says what is wrong if a server answers without a token', async () => {
    const { output, ended } = start([], ['--import', OPEN_TO_ANYONE])
    expect(await ended).toBe(1)
    expect(output.out).toMatch(
      /✗ .*→ all: 200 .*\n +expected status 401\n +expected the challenge Bearer realm="api"\n/,
    )
    expect(output.out).toMatch(/\n✗ \d{2} answers as expected, 3 not\n$/)
  })

  it('exits with 1 for an unknown option', async () => {
    const { output, ended } = start(['--sreve'])
    expect(await ended).toBe(1)
    expect(output.err).toContain('npm run demo -- --serve')
  })
})

describe('the demo with --mcp', { timeout: 60_000 }, () => {
  it('lets a real client log in, step up and call tools, with every answer as expected', async () => {
    const { output, ended } = start(['--mcp'])
    expect(await ended).toBe(0)
    expect(output.out).not.toMatch(/✗|eyJ/)
    expect(output.out).toMatch(
      /answers 401[^]+list_notes: Buy milk[^]+answers 403[^]+delete_notes: 1 deleted[^]+: 401[^]+: 503/,
    )
    expect(Math.max(...output.out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120)
    expect(output.out).toMatch(/\n✓ 11 answers as expected, 0 not\n$/)
  })
})

describe('the demo with --serve', { timeout: 60_000 }, () => {
  it('serves a page and prints lines to paste, which work, and ends at Ctrl-C', async () => {
    const { child, output, ended } = start(['--serve'])
    await expect.poll(() => output.out, { timeout: 45_000 }).toContain('/.well-known/jwks.json\n')
    const [, token = ''] = /^ADA=(.+)$/m.exec(output.out) ?? []
    const lines = [
      ...output.out.matchAll(/^curl -i (http:\S+)\/api\/v1\/protected -H "Authorization: Bearer \$ADA"$/gm),
    ]
    const answers = lines.map(async ([, url = '']) =>
      fetch(`${url}/api/v1/protected`, { headers: { authorization: `Bearer ${token}` } }),
    )
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200])
    const [, page = ''] = /Open this page.*\n+ +(http:\S+)\n/.exec(output.out) ?? []
    expect(await (await fetch(page)).text()).toContain('<title>Claimgate demo</title>')

    child.kill('SIGINT')
    expect(await ended).toBe(0)
    // The lines to paste contain one.
    expect(takeFinds(), 'printed only here').toEqual(['stdout of a child process: a signed token'])
  })
})
