// What only a process has: standard input, a pseudo-terminal, pipes that close, arguments.
import { existsSync } from 'node:fs'

import { startTestIssuer } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'

import { nodeFlaw } from '../../packages/cli/src/node-version.ts'
import { printable, printableJson } from '../../packages/cli/src/terminal/line.ts'
import { createTerminal } from '../../packages/cli/src/terminal/terminal.ts'
import { atTerminal, hasScript } from '../support/cli/at-terminal.ts'
import { claimgate, inProcess, PROGRAM, recorded, runToEnd } from '../support/cli/run-cli.ts'

const TOKEN = ['{"alg":"ES256"}', '{"sub":"ada"}', 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.')

describe.runIf(hasScript)('at a terminal', () => {
  it('asks for the token, shows nothing of it, and prints in colours', async () => {
    const { code, shown } = await atTerminal(['explain'], { typed: `${TOKEN}xx\u007f\b\r` })
    expect(code).toBe(2)
    expect(shown).toContain('Token (not shown): ')
    expect(shown).not.toContain(TOKEN.split('.')[1])
    expect(shown).toContain('\u001b[32m✓\u001b[39m')
    // Of the signature, without the two characters that were deleted.
    expect(shown).toContain('"9 bytes"')
  })

  it('stops at Ctrl-C, and gives the terminal back', async () => {
    const { code, shown } = await atTerminal(['explain'], { typed: `${TOKEN}\u0003` })
    expect(code).toBe(130)
    expect(shown.replaceAll('\r', '')).toBe('Token (not shown): \n')
  })

  it('prints what doctor and keys find in colours', async () => {
    const { server, close } = await startTestIssuer()
    try {
      const [doctor, keys] = await Promise.all([
        atTerminal(['doctor', server.origin]),
        atTerminal(['keys', `${server.origin}/jwks.json`]),
      ])
      expect([doctor.code, keys.code]).toEqual([0, 0])
      expect(doctor.shown).toContain('\u001b[32m✓\u001b[39m issuer')
      expect(doctor.shown).toContain('\u001b[32mGood.\u001b[39m')
      expect(keys.shown).toContain('\u001b[32m✓\u001b[39m JWK Set')
    } finally {
      await close()
    }
  })

  it('prints without colours with NO_COLOR', async () => {
    const { shown } = await atTerminal(['explain'], { typed: `${TOKEN}\r`, env: { NO_COLOR: '1' } })
    expect(shown).toContain('✓ time')
    expect(shown).not.toContain('\u001b')
  })
})

it.each(hasScript ? [] : ['script of util-linux'])('at a terminal, nothing is run, because %s is not installed', () => {
  expect(hasScript).toBe(false)
})

describe('arguments', () => {
  it.each([
    ['explain', TOKEN],
    ['explain', `--token=${TOKEN}`],
    ['explain', '--audience', `Bearer ${TOKEN}`],
    ['keys', TOKEN.split('.').slice(0, 2).join('.')],
    [TOKEN],
  ])('refuses a token, and does not repeat it: %s', async (...args) => {
    for (const json of [[], ['--json']]) {
      const { code, stdout, stderr } = await inProcess([...args, ...json])
      expect(code).toBe(2)
      expect(stdout + stderr).toContain('An argument looks like a token')
      expect(stdout + stderr).not.toContain(TOKEN.slice(5, 20))
    }
  })

  it.each([
    [['opaque-secret'], /There is no such command/],
    [['explain', 'opaque-secret'], /There are too many arguments/],
    [['explain', '--token=opaque-secret'], /unknown option '--token'/],
    [
      ['explain', '--isuer', 'opaque-secret'],
      /unknown option '--isuer' \(Did you mean --issuer\?\)\. Run: claimgate --help/,
    ],
    [['keys', '--timeout', 'opaque-secret', 'x'], /--timeout must be seconds|Cannot read/],
  ])('does not repeat what may be a secret: %j', async (args, message) => {
    const { code, stdout, stderr } = await inProcess(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('opaque-secret')
  })

  it('accepts addresses that have dots', async () => {
    const { stderr } = await inProcess(['keys', 'http://keys.internal.example.com/a.b.c'])
    expect(stderr).toContain('--allow-http-host')
  })

  it('prints errors as JSON, too', async () => {
    const { code, stdout, stderr } = await inProcess(['keys', '/nowhere', '--json'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      command: 'keys',
      exitCode: 2,
      error: 'Cannot read the file (ENOENT). Give the URL or the file of a JWK Set.',
    })
  })
})

describe('the process', () => {
  it.each([
    ['20.20.2', 'it needs Node 22.19 or later, and this is 20.20.2'],
    ['22.18.0', 'it needs Node 22.19 or later, and this is 22.18.0'],
    ['22.19.0', undefined],
    ['24.0.0', undefined],
  ])('says whether Node %s is too old', (version, flaw) => {
    expect(nodeFlaw(version)).toBe(flaw)
  })

  it('ends silently when the reader of its output goes away', async () => {
    const script = `{ "$1" "$2" explain --help; echo "code $?" >&2; } | true`
    const { stderr } = await runToEnd('sh', ['-c', script, 'sh', process.execPath, PROGRAM], {})
    expect(stderr).toBe('code 0\n')
  })

  it.runIf(existsSync('/dev/full'))(
    'ends with exit code 2, which is no verdict, if its output cannot be written',
    async () => {
      const { code, stderr } = await runToEnd(
        'sh',
        ['-c', '"$0" "$1" --help > /dev/full', process.execPath, PROGRAM],
        {},
      )
      expect({ code, stderr }).toEqual({ code: 2, stderr: 'claimgate: The output cannot be written (ENOSPC).\n' })
    },
  )

  it('loads core only for a command that needs it, and undici only for fetching', async () => {
    const hooks = `import { registerHooks } from 'node:module'
      registerHooks({ load: (url, context, next) => { process.stderr.write(url + '\\n'); return next(url, context) } })`
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, PROGRAM]
    const [help, offline] = await Promise.all([
      runToEnd(process.execPath, [...flags, '--help'], {}),
      runToEnd(process.execPath, [...flags, 'explain'], { input: TOKEN }),
    ])
    expect(help.stdout).toContain('explain')
    expect(help.stderr).toContain('commander')
    expect(help.stderr).not.toMatch(/packages\/(?:core|issuer|testing)\//)
    expect(offline.stderr).toContain('packages/core/')
    expect(offline.stderr).not.toMatch(/undici|packages\/(?:issuer|testing)\//)
  })

  it('prints help and the version without fault', async () => {
    const [none, version] = await Promise.all([claimgate([]), claimgate(['--version'])])
    expect(none).toMatchObject({ code: 0, stderr: '' })
    expect(none.stdout).toContain('Usage: claimgate [options] [command]')
    expect(version).toEqual({ code: 0, stderr: '', stdout: '0.1.0\n' })
  })
})

describe('printing', () => {
  it('escapes what a terminal would act on', () => {
    expect(printable('a\u001b[2J\u009b1m\u0007\n\u202e\u2028\ud800')).toBe(
      String.raw`a\u001b[2J\u009b1m\u0007\u000a\u202e\u2028\ud800`,
    )
    expect(printableJson({ a: 'x\u009b\u202e' })).toBe(`{\n  "a": "x\\u009b\\u202e"\n}`)
    expect(JSON.parse(printableJson({ a: 'x\u009b\u202e' }))).toEqual({ a: 'x\u009b\u202e' })
  })

  it('tells on standard error what takes longer than a second', async () => {
    vi.useFakeTimers()
    try {
      const [stdout, stderr] = [recorded(), recorded()]
      const terminal = createTerminal(true, stdout.stream, stderr.stream)
      const { promise, resolve } = Promise.withResolvers<number>()
      const work = terminal.progress('Fetching keys', promise)
      await vi.advanceTimersByTimeAsync(999)
      expect(stderr.text()).toBe('')
      await vi.advanceTimersByTimeAsync(1)
      expect({ out: stdout.text(), err: stderr.text() }).toEqual({ out: '', err: 'Fetching keys …\n' })
      resolve(7)
      expect(await work).toBe(7)
      await terminal.progress('Nothing', Promise.resolve(1))
      await vi.advanceTimersByTimeAsync(5000)
      expect(stderr.text()).toBe('Fetching keys …\n')
    } finally {
      vi.useRealTimers()
    }
  })
})
