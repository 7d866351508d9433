// The code before and after on each page of docs/migrate, against the same issuer, and what the pages say about callers.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer, globalAgent } from 'node:https'
import { join } from 'node:path'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KEY_SET_TUNING } from '../../packages/core/src/keys/remote/options.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { createCertificate } from '../support/mtls/certificates.ts'

const root = join(import.meta.dirname, '../..')
const installed = join(root, 'test/migrate')
const folder = join(root, 'docs/migrate')
const names = readdirSync(folder).map((file) => file.replace('.md', ''))
const pages = new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.md`), 'utf8')]))
const INSTALLED = existsSync(join(installed, 'node_modules')) ? ['installed'] : []
const MISSING = INSTALLED.length === 0 ? ['npm run setup:migrate'] : []

/** What a page's code exports: an application, or a function that verifies a token. */
interface Exports {
  readonly app?: RequestListener | FastifyLike | HonoLike
  readonly verifier?: { cacheJwks?(jwks: object): void }
  readonly subjectOf?: (token: string) => Promise<unknown>
}
interface FastifyLike {
  inject(request: object): Promise<{ readonly statusCode: number; readonly headers: object; readonly body: string }>
}
interface HonoLike {
  request(path: string, init: object): Promise<Response>
}

const AUDIENCE = 'orders-api'
const now = Math.floor(Date.now() / 1000)
const key = await createTestKeys('RS256')
const attacker = await createTestKeys('RS256', { generation: 1 })
/** What tokens of Microsoft Entra have. passport-azure-ad fetches over https alone, so its metadata is served with this certificate. */
const TENANT = '11111111-2222-4333-8444-555555555555'
const ENTRA = { iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, tid: TENANT, ver: '2.0', azp: 'web-shop' }
const certificate = createCertificate('localhost')

// Some libraries accept no other type.
const sign = (claims: object): Promise<string> => key.sign(claims, { typ: 'JWT' })
const jwks = { keys: [key.publicJwk] }

/** The requests of the tables, in their order. The last one is sent while the endpoint for keys is down. */
const REQUESTS = [
  'a good token',
  'no token',
  'an expired token',
  'a token for another API',
  'a forged token',
  'keys unavailable',
] as const

// Some libraries put a message there instead.
const CHALLENGE = /^[\w-]+(?: [\w-]+=.*)?$/

/** Serves the metadata of the tenant, and its keys, over https. */
async function serveMetadata(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createHttpsServer(certificate, (req, res) => {
    const algorithms = { id_token_signing_alg_values_supported: ['RS256'] }
    const document = { issuer: ENTRA.iss, jwks_uri: `https://localhost:${port}/keys`, ...algorithms }
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(req.url?.startsWith('/keys') ? jwks : document))
  })
  globalAgent.options.ca = certificate.cert
  const { port, close } = await listen(server)
  return { url: `https://localhost:${port}/.well-known/openid-configuration`, close }
}

function codeOf(page: string, which: string): string {
  const [, code] = new RegExp(`<!-- migrate: ${which} -->\\n+\`\`\`js\\n([^]*?)\`\`\``).exec(page) ?? []
  if (code === undefined) throw new Error(`A page has no code "${which}"`)
  return code
}

it.each(MISSING)('the other libraries are not run, because they are not installed: %s', () => {
  expect(INSTALLED).toEqual([])
})

describe('every page of docs/migrate', () => {
  it('is on the list of docs/migrate.md', () => {
    const list = readFileSync(join(root, 'docs/migrate.md'), 'utf8')
    expect([...list.matchAll(/\]\(migrate\/([^)]+)\.md\)/g)].map(([, name]) => name).toSorted()).toEqual(
      names.toSorted(),
    )
  })

  it.each(names)('has every part, and an equivalent for DPoP, certificates and introspection: %s', (name) => {
    const page = pages.get(name) ?? ''
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
    expect(headings).toEqual([
      'Before and after',
      'Options',
      'What changes for callers',
      'What is stricter',
      'What has no equivalent',
    ])
    expect(page).toContain('bindings: [dpop(')
    expect(page).toContain('bindings: [mtls(')
    expect(page).toContain('createIntrospectionVerifier')
    expect(page).not.toMatch(/\| none +\|/)
  })
})

describe('the options on the pages of docs/migrate', () => {
  it('exist in key sets', () => {
    const named = [...pages.values()].flatMap((page) =>
      [...page.matchAll(/keySet: \{ ([^}:]+) \}/g)].flatMap(([, list = '']) => list.split(', ')),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !Object.hasOwn(KEY_SET_TUNING, name))).toEqual([])
  })
})

describe('the installation of the other libraries', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }

  it('pins every library to one version, in a lockfile of a separate root', () => {
    const lockfile = readFileSync(join(installed, 'pnpm-lock.yaml'), 'utf8')
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(lockfile).toContain(`${name}@${version}`)
    expect(lockfile).not.toMatch(/https?:\/\//)
    expect(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/^ {2}test\/migrate:/m)
  })
})

describe.each(INSTALLED)('the code of docs/migrate, %s', () => {
  const seen = new Map<string, Map<string, string>>()
  const closers: (() => Promise<unknown>)[] = []
  let run: string

  beforeAll(async () => {
    run = await mkdtemp(join(installed, '.run-'))
    const server = await startFaultyJwksServer({ jwks })
    const metadata = await serveMetadata()
    Object.assign(process.env, { ISSUER: server.origin, AUDIENCE, JWKS_URI: server.url, TENANT_ID: TENANT })
    const tokensFor = async (changes: object): Promise<Readonly<Record<string, string | undefined>>> => {
      const claims = { iss: server.origin, aud: AUDIENCE, sub: 'ada', iat: now, exp: now + 600, ...changes }
      return {
        'a good token': await sign(claims),
        'no token': undefined,
        'an expired token': await sign({ ...claims, iat: now - 900, exp: now - 600 }),
        'a token for another API': await sign({ ...claims, aud: 'billing-api' }),
        'a forged token': await attacker.sign({ ...claims }, { typ: 'JWT', kid: key.publicJwk.kid }),
        'keys unavailable': await sign(claims),
      }
    }
    const [usual, ofEntra] = await Promise.all([tokensFor({ scope: 'orders:read' }), tokensFor(ENTRA)])
    for (const state of ['up', 'down']) {
      if (state === 'down') await Promise.all([server.close(), metadata.close()])
      // The library keeps what it has fetched from an address, in all its strategies.
      process.env['METADATA_URL'] = `${metadata.url}?${state}`
      for (const name of names) {
        const tokens = name === 'passport-azure-ad' ? ofEntra : usual
        for (const which of ['before', 'after']) {
          const file = join(run, `${name}-${which}-${state}.mjs`)
          await writeFile(file, codeOf(pages.get(name) ?? '', which))
          const exported = (await import(file)) as Exports
          const answer = await answering(exported, state)
          const found = seen.get(`${name} ${which}`) ?? new Map<string, string>()
          seen.set(`${name} ${which}`, found)
          for (const request of REQUESTS)
            if ((request === 'keys unavailable') === (state === 'down'))
              found.set(request, await answer(tokens[request]))
        }
      }
    }
  }, 60_000)
  afterAll(async () => {
    await Promise.all(closers.map((close) => close()))
    await rm(run, { recursive: true, force: true })
  })

  async function answering(
    { app, subjectOf, verifier }: Exports,
    state: string,
  ): Promise<(token: string | undefined) => Promise<string>> {
    if (subjectOf !== undefined) {
      // It fetches over https alone.
      if (state === 'up') verifier?.cacheJwks?.(jwks)
      return async (token) =>
        subjectOf(token as never).then(
          (sub) => `accepted, \`sub\` is \`${String(sub)}\``,
          (error: Error & { code?: string }) => `\`${error.code ?? error.constructor.name}\``,
        )
    }
    const headersOf = (token: string | undefined): Record<string, string> =>
      token === undefined ? {} : { authorization: `Bearer ${token}` }
    const cell = (status: number, challenge: unknown): string =>
      typeof challenge === 'string' && CHALLENGE.test(challenge) ? `${status} with a challenge` : String(status)
    if (typeof app === 'object' && 'inject' in app)
      return async (token) => {
        const { statusCode, headers } = await app.inject({ url: '/orders', headers: headersOf(token) })
        return cell(statusCode, (headers as Record<string, unknown>)['www-authenticate'])
      }
    if (typeof app === 'object' && 'request' in app)
      return async (token) => {
        const { status, headers } = await app.request('/orders', { headers: headersOf(token) })
        return cell(status, headers.get('www-authenticate'))
      }
    const { port, close } = await listen(createServer(app as RequestListener))
    closers.push(close)
    return async (token) => {
      const { status, headers } = await fetch(`http://127.0.0.1:${port}/orders`, { headers: headersOf(token) })
      return cell(status, headers.get('www-authenticate'))
    }
  }

  it.each(names)('answers as the page says: %s', (name) => {
    const [, section = ''] = (pages.get(name) ?? '').split('\n## What changes for callers\n')
    const rows = [...(section.split('\n## ', 1)[0]?.matchAll(/^\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm) ?? [])]
    const told = rows.slice(2).map(([, ...cells]) => cells)
    const measured = REQUESTS.map((request) => [
      request,
      seen.get(`${name} before`)?.get(request),
      seen.get(`${name} after`)?.get(request),
    ])
    expect(told).toEqual(measured)
  })

  it.each(names)('accepts a good token before and after: %s', (name) => {
    const accepted = /^(?:200|accepted, `sub` is `ada`)$/
    expect(seen.get(`${name} before`)?.get('a good token')).toMatch(accepted)
    expect(seen.get(`${name} after`)?.get('a good token')).toMatch(accepted)
    expect(seen.get(`${name} after`)?.get('keys unavailable')).toMatch(/^(?:503|`keys_unavailable`)$/)
  })
})
