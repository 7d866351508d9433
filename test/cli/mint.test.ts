import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVerifier } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type DevServer, startDevServer } from '../../packages/cli/src/development/dev-server.ts'
import { atTerminal, hasScript } from '../support/cli/at-terminal.ts'
import { claimgate, inJson, inProcess } from '../support/cli/run-cli.ts'
import { takeFinds } from '../support/secrets/watch.ts'

let server: DevServer
let port: string
let folder: string
beforeAll(async () => {
  server = await startDevServer(0, { audience: 'orders-api' })
  port = new URL(server.origin).port
  folder = await mkdtemp(join(tmpdir(), 'claimgate-mint-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const verify = async (token: string): Promise<unknown> => {
  const verifier = createVerifier({ issuer: server.origin, audience: 'orders-api' })
  return verifier
    .verify(token)
    .then(
      ({ claims }) => claims,
      (error: unknown) => (error as { readonly code: string }).code,
    )
    .finally(() => verifier.close())
}

async function minted(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inProcess(['mint', '--port', port, ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe('claimgate mint, asking the running serve', () => {
  it('prints the token alone where standard output is no terminal, so explain can read it', async () => {
    const { code, stdout } = await claimgate(['mint', '--port', port])
    expect(takeFinds(), 'it prints a token').toEqual(['stdout of a child process: a signed token'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(await verify(stdout.trim())).toMatchObject({ sub: 'ada', scope: 'orders:read orders:write' })
    const explained = await inProcess(['explain', '--issuer', server.origin, '--audience', 'orders-api'], stdout.trim())
    expect(explained.code).toBe(0)
  })

  it.runIf(hasScript)('prints it beside its parts at a terminal, with times in words', async () => {
    const { code, shown } = await atTerminal(['mint', '--port', port, '--expired'], { env: { NO_COLOR: '1' } })
    takeFinds()
    expect(code).toBe(0)
    const [token = '', ...lines] = shown.split('\r\n')
    expect(await verify(token)).toBe('token_expired')
    expect(lines).toContain('  alg  "ES256"')
    expect(lines).toContain('  sub        "ada"')
    expect(lines.join('\n')).toMatch(/^ {2}exp +\d+ {2}expired 10 minutes ago$/m)
  })

  it('takes claims as JSON or text, header members, and removes claims', async () => {
    const token = await minted(
      '--claim',
      'roles=["admin"]',
      '--claim',
      'sub=bob',
      '--claim',
      'level=3',
      '--claim',
      'a=b=c',
      '--header',
      'x=1',
      '--without',
      'scope',
    )
    expect(decodeJwt(token)).toMatchObject({ roles: ['admin'], sub: 'bob', level: 3, a: 'b=c' })
    expect(decodeJwt(token)).not.toHaveProperty('scope')
    expect(decodeProtectedHeader(token)).toMatchObject({ x: 1, typ: 'at+jwt' })
  })

  it.each([
    [['--expired'], 'token_expired'],
    [['--not-yet'], 'token_not_yet_valid'],
    [['--audience', 'other'], 'audience_mismatch'],
    [['--claim', 'iss=https://other.example'], 'issuer_mismatch'],
    [['--without', 'exp'], 'claim_missing'],
    [['--header', 'typ=dpop+jwt'], 'token_type'],
    [['--bad', 'alg "none" with an empty signature'], 'algorithm_not_allowed'],
  ] as const)('makes tokens that are refused: %j', async (args, code) => {
    expect(await verify(await minted(...args))).toBe(code)
  })

  it('lives as long as --ttl says', async () => {
    const { iat = 0, exp = 0 } = decodeJwt(await minted('--ttl', '60'))
    expect(exp - iat).toBe(60)
  })

  it('with --json prints the token and its parts', async () => {
    const { code, found } = await inJson(['mint', '--port', port])
    const token = String(found['token'])
    expect({ code, found }).toEqual({
      code: 0,
      found: { command: 'mint', exitCode: 0, token, header: decodeProtectedHeader(token), claims: decodeJwt(token) },
    })
  })

  it.each<[string, readonly string[], RegExp]>([
    [
      'nothing listens',
      ['--port', '1'],
      /Nothing listens on port 1 of 127\.0\.0\.1\. Start .*claimgate serve --port 1$/m,
    ],
    ['a claim has no name', ['--claim', '=1'], /--claim must have the form name=value/],
    ['the lifetime is no number', ['--ttl', 'long'], /--ttl must be a whole number of seconds/],
    ['the lifetime is too long', ['--ttl', '99999999'], /"ttl" must be .* 31536000/],
    ['there is no such bad token', ['--bad', 'x'], /There is no bad token with that name/],
    ['an option is for key files', ['--issuer', 'https://a.example'], /--issuer needs --key-file/],
  ])('cannot say if %s', async (_, args, message) => {
    const { code, stdout, stderr } = await inProcess(['mint', '--port', port, ...args])
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([2, ''])
  })

  it.each(['[]', '{"token":1}', '<html>', ''])('cannot say if another program answers %j there', async (body) => {
    const other = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const at = String((other.address() as { readonly port: number }).port)
    const { code, stderr } = await inProcess(['mint', '--port', at])
    other.close()
    expect(stderr).toBe(`claimgate: What answers on port ${at} of 127.0.0.1 is not claimgate serve.\n`)
    expect(code).toBe(2)
  })
})

describe('claimgate mint with a key file', () => {
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const pem = (type: 'pkcs1' | 'pkcs8'): string =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type, format: 'pem' }).toString()
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey

  it.each<[string, () => Promise<string>, string]>([
    ['PKCS #8', async () => pem('pkcs8'), 'RS256'],
    ['PKCS #1', async () => pem('pkcs1'), 'RS256'],
    ['SEC 1', async () => ec.export({ type: 'sec1', format: 'pem' }).toString(), 'ES384'],
    ['a JWK', async () => JSON.stringify((await createTestKeys('PS256')).privateJwk), 'PS256'],
    ['a JWK Set', async () => JSON.stringify({ keys: [(await createTestKeys('EdDSA')).privateJwk] }), 'EdDSA'],
  ])('signs with %s', async (_, text, alg) => {
    const file = await write('key', await text())
    const { code, found } = await inJson([
      'mint',
      '--key-file',
      file,
      '--issuer',
      'https://login.example',
      '--audience',
      'api',
    ])
    expect(code).toBe(0)
    expect(found).toMatchObject({ header: { alg }, claims: { iss: 'https://login.example', aud: 'api' } })
  })

  it('signs what the public key verifies, with the kid of the JWK or of the option', async () => {
    const { privateJwk, publicJwk } = await createTestKeys('ES256', { kid: 'mine' })
    const args = ['mint', '--key-file', await write('key', JSON.stringify(privateJwk)), '--provider', 'auth0']
    const tokens = [await inJson(args), await inJson([...args, '--kid', 'other'])].map(({ found }) =>
      String(found['token']),
    )
    const key = await importJWK(publicJwk)
    for (const token of tokens) await compactVerify(token, key)
    expect(tokens.map((token) => decodeProtectedHeader(token).kid)).toEqual(['mine', 'other'])
    expect(decodeJwt(tokens[0] ?? '').iss).toBe('https://acme.eu.auth0.com/')
  })

  it.each<[string, () => string, RegExp]>([
    [
      'a public key',
      () => JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }),
      /must hold a private key, in PEM or as a JWK/,
    ],
    ['nonsense', () => 'SECRET-TEXT', /must hold a private key/],
    ['a broken JWK', () => '{"kty":"EC","crv":"P-256","d":"SECRET-TEXT"}', /is not a private key for ES256/],
    [
      'a broken PEM',
      () => '-----BEGIN PRIVATE KEY-----\nSECRETTEXT\n-----END PRIVATE KEY-----',
      /must hold a private key in PEM/,
    ],
    [
      'an encrypted PEM',
      () => ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      /is encrypted\. Decrypt it first/,
    ],
  ])('refuses %s without quoting it', async (_, text, message) => {
    const file = await write('key', text())
    const { code, stdout, stderr } = await inProcess(['mint', '--key-file', file, '--issuer', 'https://a.example'])
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/SECRET|BEGIN/)
    expect([code, stdout]).toEqual([2, ''])
  })

  it.each<[readonly string[], RegExp]>([
    [['--key-file', '/nonexistent', '--issuer', 'https://a.example'], /cannot be read: ENOENT/],
    [['--key-file', '/nonexistent'], /say which issuer the key is of/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await inProcess(['mint', ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})
