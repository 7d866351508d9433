import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startTestIssuer } from '@claimgate/testing'
import { transform } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'

// With the built packages, and compiled by esbuild: it emits no metadata of types.
let folder: string
let authority: Awaited<ReturnType<typeof startTestIssuer>>
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  authority = await startTestIssuer({ audience: 'orders-api' })
})
afterAll(async () => {
  await authority.close()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf(name: string, more = ''): Promise<string> {
  const compilerOptions = { experimentalDecorators: true }
  const { code } = await transform(snippet(name) + more, { loader: 'ts', tsconfigRaw: { compilerOptions } })
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, code)
  return file
}

it('the application in the README of @claimgate/nestjs protects its handlers', async () => {
  const environment = { JWT_ISSUER: authority.issuer.issuer, JWT_AUDIENCE: 'orders-api' }
  const { url, close } = await run(await fileOf('nestjs'), environment)
  try {
    const token = await authority.issuer.issue({ sub: 'ada', scope: 'orders:read' })
    const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}/${path}`, init)
    const headers = { authorization: `Bearer ${token}` }
    expect(await (await call('health')).text()).toBe('ok')
    expect((await call('me')).headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect(await (await call('me', { headers })).json()).toEqual({ sub: 'ada' })
    expect((await call('orders', { method: 'POST', headers })).status).toBe(403)
  } finally {
    await close()
  }
})

it('the options from providers in the README of @claimgate/nestjs make a module', async () => {
  const file = await fileOf('nestjs-async', 'console.log(typeof claimgate.module, claimgate.providers.length)')
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  expect(stdout.trim()).toBe('function 4')
})
