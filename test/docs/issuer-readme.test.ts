import { execFile } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createVerifier } from '@claimgate/core'
import { DEFAULTS } from '@claimgate/issuer'
import type { JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { takeFinds } from '../support/secrets/watch.ts'
import { pageAt, snippet } from '../support/docs/pages.ts'

// Examples are run as printed on the page, with the built packages.
const ISSUER = 'https://login.example'
const PASSPHRASE = 'of the next key'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(fileURLToPath(new URL('.', import.meta.url)), '.run-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pkcs8).toString()
const nextKey = createPrivateKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pkcs8))
  .export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
  .toString()

/** The value of `expression` after the example of that name has run, through JSON. */
async function outcomeOf(name: string, expression: string): Promise<unknown> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, `${snippet(name)}\nconsole.log(JSON.stringify(${expression}))\n`)
  const env = { ...process.env, SIGNING_KEY: signingKey, NEXT_KEY: nextKey, PASSPHRASE }
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env })
  // Every example prints its token.
  expect(takeFinds(), 'printed only here').toEqual(['stdout of a child process: a signed token'])
  return JSON.parse(stdout)
}

describe('docs/issuer.md', () => {
  it('gives the default of each option', () => {
    const { clockTolerance, ...defaults } = DEFAULTS
    const section =
      pageAt('docs/issuer.md')
        .split('\n## ')
        .find((text) => text.startsWith('Options\n')) ?? ''
    const cells = section.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
    const given = new Map(cells.map((row) => [row[1], row.at(-2)]))
    for (const [name, value] of Object.entries(defaults)) expect(given.get(`\`${name}\``), name).toBe(`\`${value}\``)
    expect(given.get('`overlap`')).toBe(`\`jwksMaxAge\`, \`${clockTolerance}\``)
  })

  it('issues a token that the JWK Set verifies', async () => {
    const expression = `{ token, status: respond(new Request(metadata.jwks_uri)).status, jwks: issuer.jwks() }`
    const { token, status, jwks } = (await outcomeOf('issue', expression)) as {
      readonly token: string
      readonly status: number
      readonly jwks: JSONWebKeySet
    }
    expect(status).toBe(200)
    const { claims } = await createVerifier({ issuer: ISSUER, audience: 'orders-api', jwks }).verify(token)
    expect(claims).toMatchObject({ sub: 'ada', exp: Number(claims.iat) + 300 })
  })

  it('reads keys from the environment, and exports public ones for it', async () => {
    const { token, pem, line, count } = (await outcomeOf(
      'keys',
      `{ token: await issuer.issue({ sub: 'ada' }), pem, line, count: issuer.jwks().keys.length }`,
    )) as { readonly token: string; readonly pem: string; readonly line: string; readonly count: number }
    expect(count).toBe(2)
    for (const publicKey of [pem, line]) {
      const { claims } = await createVerifier({ issuer: ISSUER, audience: null, publicKey }).verify(token)
      expect(claims['sub']).toBe('ada')
    }
  })

  it('answers events with tokens', async () => {
    const answer = await outcomeOf(
      'lambda',
      `await handler({ claims: { sub: 'ada' }, ttl: 60, setIat: true, setJti: true })`,
    )
    expect(answer).toEqual({ token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string })
  })
})
