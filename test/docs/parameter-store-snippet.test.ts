import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { fakeSsm } from '../support/issuer/parameter-store.ts'
import { snippet } from '../support/docs/pages.ts'
import { takeFinds } from '../support/secrets/watch.ts'

// Run as printed on the page, with the built packages.
const code = snippet('parameter-store')

it('docs/issuer.md shows code that runs', async () => {
  expect(code).toContain('parameterStoreSigner(')
  const folder = await mkdtemp(fileURLToPath(new URL('.run-', import.meta.url)))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'parameter-store.mjs')
  await writeFile(file, `${code}\nconsole.log(token)`)
  const ssm = await fakeSsm()
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
  }
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env })
  // The example prints its token.
  expect(takeFinds(), 'printed only here').toEqual(['stdout of a child process: a signed token'])
  expect(stdout.trim()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  expect(ssm.calls().map(({ operation }) => operation)).toEqual(['GetParameter', 'PutParameter', 'GetParameter'])
})
