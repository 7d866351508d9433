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
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

/** Bundles a program that verifies a token with keys of a real server, and runs it under Node. */
async function run(name: string, options: BuildOptions): Promise<{ readonly stdout: string; readonly stderr: string }> {
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
  const outfile = join(folder, name)
  await build({
    ...options,
    stdin: { contents: program, resolveDir: import.meta.dirname },
    outfile,
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
  })
  try {
    const args = options.banner === undefined && options.format === 'esm' ? ['start'] : []
    return await promisify(execFile)(process.execPath, [outfile, ...args])
  } finally {
    await server.close()
  }
}

it.each([false, true])(
  'warns at start-up, before any token, in an ESM bundle without "require" (minified: %s)',
  async (minify) => {
    const { stderr } = await run(`bare-${minify}.mjs`, { format: 'esm', minify })
    expect(stderr).toContain('Warning: TransportError: Cannot fetch keys: undici')
    expect(stderr).toContain(`--banner:js="${BANNER}"`)
    expect(stderr).toContain('--external:undici')
  },
)

it.each<[name: string, options: BuildOptions]>([
  ['banner.mjs', { format: 'esm', banner: { js: BANNER } }],
  ['common.cjs', { format: 'cjs' }],
])('verifies without a warning in %s', async (name, options) => {
  const { stdout, stderr } = await run(name, options)
  expect(stdout.trim()).toBe('verified')
  expect(stderr).not.toContain('Warning')
})
