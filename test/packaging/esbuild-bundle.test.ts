import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { build, type BuildOptions } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'

const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
let folder: string
let elsewhere: string
beforeAll(async () => {
  // The path of undici, if it is not in the bundle.
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  elsewhere = await mkdtemp(join(tmpdir(), 'bundle-'))
})
afterAll(async () => {
  for (const made of [folder, elsewhere]) await rm(made, { recursive: true, force: true })
})

interface Run {
  readonly name: string
  readonly options: BuildOptions
  /** @defaultValue where undici is installed */
  readonly place?: string
  /** Whether it only starts, or also verifies. */
  readonly until: 'start' | 'verified'
}

/** Bundles a program that verifies a token with keys of a real server, and runs it on Node. */
async function run(given: Run): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { name, options, place = folder, until } = given
  const keys = await createTestKeys('ES256')
  const server = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
  const policy = { issuer: 'https://auth.example', audience: 'orders-api', jwksUri: server.url }
  const exp = Math.floor(Date.now() / 1000) + 600
  const token = await keys.sign({ iss: policy.issuer, aud: policy.audience, exp })
  const program = `import { createVerifier } from '@claimgate/core'
    const verifier = createVerifier(${JSON.stringify(policy)})
    console.error('started')
    setTimeout(() => {
      const answer = process.argv[2] === 'start' ? Promise.resolve() : verifier.verify(${JSON.stringify(token)})
      answer.then(() => console.log('verified'), (error) => console.log(error.status)).finally(() => verifier.close())
    }, 100)`
  // A split bundle has several files.
  const { splitting } = options
  const outfile = splitting ? join(place, name, 'stdin.mjs') : join(place, name)
  await build({
    ...options,
    stdin: { contents: program, resolveDir: import.meta.dirname },
    ...(splitting ? { outdir: join(place, name), outExtension: { '.js': '.mjs' } } : { outfile }),
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
  })
  try {
    return await promisify(execFile)(process.execPath, [outfile, until])
  } finally {
    await server.close()
  }
}

it.each<[string, BuildOptions]>([
  ['in one file', {}],
  ['in one file, minified', { minify: true }],
  ['split', { splitting: true }],
  ['split and minified', { splitting: true, minify: true }],
])('warns at start-up, before any token, in an ESM bundle without "require", %s', async (name, options) => {
  const { stderr } = await run({ name: `bare ${name}.mjs`, options: { ...options, format: 'esm' }, until: 'start' })
  expect(stderr).toContain('Warning: TransportError: Cannot fetch keys: undici')
  expect(stderr).toContain(`--banner:js="${BANNER}"`)
  expect(stderr).toContain('--external:undici')
})

it.each<[name: string, options: BuildOptions]>([
  ['banner.mjs', { format: 'esm', banner: { js: BANNER } }],
  ['split', { format: 'esm', splitting: true, banner: { js: BANNER } }],
  ['external.mjs', { format: 'esm', external: ['undici'] }],
  ['split-external', { format: 'esm', splitting: true, external: ['undici'] }],
  ['common.cjs', { format: 'cjs' }],
])('verifies without a warning in %s', async (name, options) => {
  const { stdout, stderr } = await run({ name, options, until: 'verified' })
  expect(stdout.trim()).toBe('verified')
  expect(stderr).not.toContain('Warning')
})

it('warns at start-up if undici is neither in the bundle nor installed', async () => {
  const options: BuildOptions = { format: 'esm', external: ['undici'] }
  const { stderr } = await run({ name: 'lost.mjs', options, place: elsewhere, until: 'start' })
  expect(stderr).toContain('Warning: TransportError: Cannot fetch keys: undici, on which it depends, does not load')
})
