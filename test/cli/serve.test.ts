import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createVerifier, type VerifierOptions } from '@claimgate/core'
import { createTestKeys, providerTokenNames, startFaultyJwksServer } from '@claimgate/testing'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { configurationOf } from '../../packages/cli/src/development/paste.ts'
import { planTokens, type Provider } from '../../packages/cli/src/development/token-plan.ts'
import { atTerminal, hasScript } from '../support/cli/at-terminal.ts'
import { inProcess, PROGRAM } from '../support/cli/run-cli.ts'
import { type RunningServe, startServe } from '../support/cli/running-serve.ts'
import { takeFinds } from '../support/secrets/watch.ts'

const post = async (url: string, body = ''): Promise<Readonly<Record<string, unknown>>> => {
  const answer = await fetch(url, { method: 'POST', body })
  return (await answer.json()) as Readonly<Record<string, unknown>>
}

describe('claimgate serve', () => {
  let running: RunningServe
  beforeAll(async () => {
    running = await startServe('--audience', 'invoices')
  })
  afterAll(async () => {
    await running.stop()
  })

  it('with --json prints one line: addresses, and a token that an API accepts which trusts the issuer', async () => {
    const { issuer, token, metadata, jwksUri } = running.facts
    expect(issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect([metadata, jwksUri]).toEqual([
      `${issuer}/.well-known/openid-configuration`,
      `${issuer}/.well-known/jwks.json`,
    ])
    const verifier = createVerifier({ issuer, audience: 'invoices', profile: 'rfc9068' })
    const { claims, scopes } = await verifier.verify(token)
    verifier.close()
    expect([claims['sub'], [...scopes]]).toEqual(['ada', ['orders:read', 'orders:write']])
    expect(running.lines).toHaveLength(1)
  })

  it('makes tokens by POST, with other claims, header members and lifetimes', async () => {
    const url = `${running.facts.issuer}/token`
    const changes = { claims: { sub: 'bob', roles: ['admin'] }, header: { typ: 'JWT' }, without: ['scope'], ttl: 60 }
    const { token, claims, header } = await post(url, JSON.stringify(changes))
    expect(claims).toMatchObject({ sub: 'bob', roles: ['admin'], aud: 'invoices' })
    expect(claims).not.toHaveProperty('scope')
    expect(header).toEqual(decodeProtectedHeader(String(token)))
    const { iat, exp } = claims as { readonly iat: number; readonly exp: number }
    expect(exp - iat).toBe(60)
    expect(await post(url, '{"clams":{}}')).toEqual({
      error: expect.stringContaining('did you mean "claims"?') as string,
    })
    expect(await post(url, '{"ttl":0}')).toEqual({ error: expect.stringContaining('"ttl" must be') as string })
    expect(await post(url, '[1]')).toEqual({ error: 'The body must be a JSON object.' })
  })

  it('rotates by POST: tokens of the old key stay good, and new ones have a new key', async () => {
    const { issuer, token, rotate } = running.facts
    const verifier = createVerifier({ issuer, audience: 'invoices' })
    await verifier.verify(token)
    const { kid, published } = await post(rotate)
    expect(published).toEqual([kid, decodeProtectedHeader(token).kid])
    const next = String((await post(`${issuer}/token`))['token'])
    expect(decodeProtectedHeader(next).kid).toBe(kid)
    await verifier.verify(next)
    await createVerifier({ issuer, audience: 'invoices' }).verify(token)
    verifier.close()
  })

  it.each([
    ['', 503],
    ['{"kind":"html"}', 503],
    ['{"kind":"reset"}', 503],
  ])('has an outage by POST %s, until POST recover', async (body, status) => {
    const { issuer, token, outage, recover } = running.facts
    const verdict = async (): Promise<unknown> => {
      const verifier = createVerifier({ issuer, audience: 'invoices', tokenCache: false })
      return verifier
        .verify(token)
        .then(
          () => 'accepted',
          (error: unknown) => (error as { status: number }).status,
        )
        .finally(() => verifier.close())
    }
    await post(outage, body)
    expect(await verdict()).toBe(status)
    await post(recover)
    expect(await verdict()).toBe('accepted')
  })

  it('refuses an unknown kind of outage', async () => {
    expect(await post(running.facts.outage, '{"kind":"toString"}')).toEqual({
      error: '"kind" must be one of unavailable, hang, reset, html, empty-set',
    })
  })

  it('says which port is in use, with exit code 2', async () => {
    const { code, stdout, stderr } = await inProcess(['serve', '--port', running.port])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      `claimgate: Port ${running.port} of 127.0.0.1 is in use. Stop the program that uses it, or choose another: --port ${Number(running.port) + 1}\n`,
    )
  })

  it('ends cleanly by SIGTERM, with exit code 0, and its keys with it', async () => {
    expect(await endedBy('SIGTERM', running)).toEqual({ code: 0, waiting: 'closed', listens: false })
  })
})

describe('the life of claimgate serve', () => {
  it('prints addresses, a line to start an API, and curl lines', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    for await (const chunk of child.stdout) {
      text += String(chunk)
      if (text.includes('/recover\n')) child.kill('SIGINT')
    }
    expect(takeFinds(), 'it prints a token').toEqual(['stdout of a child process: a signed token'])
    const [, issuer = ''] = /issuer +(\S+)/.exec(text) ?? []
    expect(text).toContain(`JWT_ISSUER=${issuer} JWT_AUDIENCE=orders-api node server.mjs`)
    expect(text).toMatch(/export TOKEN=[\w-]+\.[\w-]+\.[\w-]+\n/)
    expect(text).toContain('curl -i http://127.0.0.1:3000/ -H "Authorization: Bearer $TOKEN"')
    expect(text).toContain(`curl -X POST ${issuer}/rotate`)
    // No colours where there is no terminal.
    expect(text).not.toContain('\u001B')
  })

  it.runIf(hasScript)('at a terminal prints in colours, until Ctrl-C', async () => {
    const { code, shown } = await atTerminal(['serve', '--port', '0'], { typed: '\u0003', after: '/recover' })
    takeFinds()
    expect(code).toBe(0)
    expect(shown).toMatch(/^\u001b\[1mIssuer for development, until Ctrl-C/)
  })

  it.each<[string, readonly string[], RegExp]>([
    [
      'for an unknown provider',
      ['--provider', 'toString'],
      /there is no example "toString"; the examples are adfs, apple/,
    ],
    ['for a wrong word', ['--provider', 'auth0', '--option', 'domain=https://x'], /"domain" must be a host such as/],
    ['for an unknown algorithm', ['--alg', 'RS1'], /the algorithm must be one of RS256, /],
    ['for a port that is none', ['--port', '70000'], /--port must be a whole number from 0 to 65535/],
  ])('does not start %s', async (_, args, message) => {
    const { code, stderr } = await inProcess(['serve', '--port', '0', ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('does not start in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { code, stderr } = await inProcess(['serve', '--port', '0'])
    vi.unstubAllEnvs()
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'claimgate: serve is for development, and NODE_ENV is production.\n',
    })
  })
})

/** Ends `serve` while a request waits that it never answers, which must not keep the process running. */
async function endedBy(signal: 'SIGINT' | 'SIGTERM', { facts, stop }: RunningServe): Promise<object> {
  const answers = (url: string): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await post(facts.outage, '{"kind":"hang"}')
  const waiting = answers(facts.jwksUri)
  const code = await stop(signal)
  return { code, waiting: (await waiting) ? 'answered' : 'closed', listens: await answers(facts.metadata) }
}

describe('tokens that look like those of a provider', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  it.each(providerTokenNames)('%s: the lines to paste accept them', async (name) => {
    const plan = planTokens({ provider: name, issuer: '' })
    // The same keys for all, because RSA keys are slow to generate.
    const keys = await createTestKeys(plan.algorithm)
    const server = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
    const lines = configurationOf(plan.provider as Provider, server.url)
    const file = join(folder, `${name}.mjs`)
    await writeFile(file, `${lines.join('\n')}\nexport { options }\n`)
    const { options } = (await import(pathToFileURL(file).href)) as { readonly options: VerifierOptions }
    const { header, claims } = plan.parts({ claims: { extra: 1 } })
    const verifier = createVerifier(options)
    const verified = await verifier.verify(await keys.sign(claims, header))
    verifier.close()
    await server.close()
    expect(verified.claims).toMatchObject({ iss: plan.issuer, extra: 1 })
  })

  it('are made by serve --provider, for the words of your console, until SIGINT', async () => {
    const words = ['--provider', 'keycloak', '--option', 'realm=prod', '--audience', 'invoices', '--alg', 'ES384']
    await using running = await startServe(...words)
    const { facts } = running
    expect(decodeProtectedHeader(facts.token).alg).toBe('ES384')
    expect(facts).toMatchObject({
      issuer: 'https://sso.example.com/realms/prod',
      audience: 'invoices',
      provider: 'keycloak',
    })
    const verifier = createVerifier({
      issuer: facts.issuer,
      audience: 'invoices',
      jwksUri: facts.jwksUri,
      idTokens: 'accept',
    })
    await verifier.verify(facts.token)
    verifier.close()
    expect(facts.configuration?.join('\n')).toContain(
      "keycloak({ url: 'https://sso.example.com', realm: 'prod', audience: 'invoices' })",
    )
    expect(await endedBy('SIGINT', running)).toEqual({ code: 0, waiting: 'closed', listens: false })
  })
})
