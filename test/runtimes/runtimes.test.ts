import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type BadToken,
  badTokens,
  createTestKeys,
  type Fault,
  type FaultyJwksServer,
  startFaultyJwksServer,
  type TestKeys,
} from '@claimgate/testing'
import { CONTENT_ENCRYPTIONS, KEY_MANAGEMENT_ALGORITHMS } from '@claimgate/core/jwe'
import { CompactEncrypt, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createDpopClient } from '../support/dpop/client.ts'
import { active, startIntrospectionServer } from '../support/introspection/server.ts'
import type {
  Answers,
  Command,
  FeatureAnswer,
  FeatureRequest,
  OpenCommand,
  TokenAnswer,
} from '../support/runtimes/command.ts'
import { createCertificate, FIELDS, type TestCertificate } from '../support/mtls/certificates.ts'
import { report, type Shown } from '../support/runtimes/report.ts'
import { ALL, RUNTIMES, type Served } from '../support/runtimes/runtimes.ts'
import { startListServer } from '../support/status-list/world.ts'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'
const now = Math.floor(Date.now() / 1000)
// Issued before any key set is requested, so that a set can deny their keys.
const iat = now - 600
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', scope: 'orders:read', iat, exp: now + 4 * 3600 }

const RULES = { issuer: ISSUER, audience: AUDIENCE }

/** Answers that each runtime's own fetch handles differently. */
const FAULTS: readonly (readonly [name: string, fault: (elsewhere: string) => Fault])[] = [
  ['a redirect', (location) => ({ kind: 'redirect', location })],
  ['silence', () => ({ kind: 'hang', at: 'start' })],
  ['half a body and then nothing', () => ({ kind: 'hang', at: 'body' })],
  ['half a body and a closed connection', () => ({ kind: 'reset', at: 'body' })],
  ['an endless body', () => ({ kind: 'endless' })],
  ['a small body that unpacks to 4 MB', () => ({ kind: 'gzip-bomb', size: 4_194_304 })],
  ['a web page', () => ({ kind: 'html' })],
]

const installed = RUNTIMES.filter((runtime) => runtime.installed() !== undefined)
const missing = RUNTIMES.filter((runtime) => !installed.includes(runtime)).map(({ name }) => name)
const shown: Shown[] = []

let folder: string
let keys: ReadonlyMap<string, TestKeys>
let goodTokens: ReadonlyMap<string, string>
let encryptionKeys: readonly EncryptionKey[]
let hostile: readonly BadToken[]
let forged: Readonly<Record<string, readonly [token: string, code: string]>>
/** The target of headers in forged tokens. Core must never connect to it. */
let trap: FaultyJwksServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claimgate-runtimes-'))
  trap = await startFaultyJwksServer()
  keys = new Map(await Promise.all(ALL.map(async (alg) => [alg, await createTestKeys(alg, { kid: alg })] as const)))
  goodTokens = new Map(await Promise.all([...keys].map(async ([alg, key]) => [alg, await key.sign(CLAIMS)] as const)))
  const signer = keysFor('ES256')
  const { publicJwk, publicPem, signWith } = signer
  hostile = await badTokens({ token: goodToken('ES256'), signWith, publicJwk, publicPem, trapUrl: trap.url })
  forged = await forgeries(signer)
  encryptionKeys = await makeEncryptionKeys()
}, 60_000)

afterAll(async () => {
  await trap.close()
  await rm(folder, { recursive: true, force: true })
  // oxlint-disable-next-line no-console -- documents quote it
  console.log(report(shown, missing))
})

describe.each(installed)('core in $name', (runtime) => {
  let served: Served
  let endpoint: FaultyJwksServer
  const verified = new Set<string>()
  const counted = { scenarios: 0, tokens: 0 }

  beforeAll(async () => {
    endpoint = await startFaultyJwksServer()
    served = await runtime.start(folder)
  }, 60_000)
  afterEach(async ({ task }) => {
    await endpoint.behave({ kind: 'ok' })
    endpoint.forget()
    if (task.result?.state === 'pass') counted.scenarios += 1
  })
  afterAll(async () => {
    await served?.stop()
    await endpoint.close()
    const algorithms = ALL.filter((alg) => verified.has(alg))
    shown.push({ runtime: runtime.name, version: runtime.pinned, algorithms, ...counted })
  })

  const tell = async <D extends Command['do']>(command: Command & { readonly do: D }): Promise<Answers[D]> => {
    const response = await fetch(served.origin, { method: 'POST', body: JSON.stringify(command) }).catch(
      (cause: unknown) => {
        throw new Error(`${runtime.name} does not answer any more: ${served.complaints()}`, { cause })
      },
    )
    if (response.status !== 200) throw new Error(`${runtime.name}: ${await response.text()}`)
    return (await response.json()) as Answers[D]
  }
  const open = (name: string, options: object = {}, more: Partial<OpenCommand> = {}): Promise<'ok'> =>
    tell({
      do: 'open',
      clock: 'own',
      fetch: 'default',
      ...more,
      name,
      options: { ...RULES, jwksUri: endpoint.url, ...options },
    })
  const verify = async (
    name: string,
    tokens: readonly string[],
    by: 'verifier' | 'function' = 'verifier',
  ): Promise<readonly TokenAnswer[]> => {
    const answers = await tell({ do: 'verify', name, by, tokens })
    counted.tokens += answers.length
    return answers
  }
  const verifyOne = async (name: string, token: string): Promise<TokenAnswer | undefined> =>
    (await verify(name, [token]))[0]

  it('is the version that package.json pins', () => {
    expect({ installed: runtime.installed(), running: served.version ?? runtime.pinned }).toEqual({
      installed: runtime.pinned,
      running: runtime.pinned,
    })
  })

  it('runs the built files, without Node modules or undici if it is bundled', () => {
    expect(served.bundle?.foreign ?? []).toEqual([])
  })

  it('has a verifier for each expected algorithm, and a clear start-up error for each other', async () => {
    const attempts = await tell({ do: 'algorithms', algorithms: ALL })
    const expected = ALL.map((alg) => [
      alg,
      runtime.algorithms.includes(alg)
        ? 'ok'
        : `TypeError: Cannot create verifier: this JavaScript runtime does not have ${alg}: take it out of "algorithms"`,
    ])
    expect(attempts).toEqual(Object.fromEntries(expected))
  })

  it.each(['verifier', 'function'] as const)('verifies a token of each algorithm (by %s)', async (by) => {
    endpoint.publish(...[...keys.values()].map(({ publicJwk }) => publicJwk))
    const { algorithms } = runtime
    await open('all', { algorithms })
    const answers = await verify('all', algorithms.map(goodToken), by)
    expect(answers).toEqual(algorithms.map((alg) => ({ status: 200, alg, sub: 'alice', scopes: ['orders:read'] })))
    for (const { alg } of answers) if (alg !== undefined) verified.add(alg)
    // One set for all of them: members that the runtime cannot use are skipped.
    expect(endpoint.stats().requests).toHaveLength(1)
  })

  it('refuses a token of each algorithm that was signed by another key', async () => {
    endpoint.publish(...[...keys.values()].map(({ publicJwk }) => publicJwk))
    const { algorithms } = runtime
    const tokens = algorithms.map(async (alg) => (await createTestKeys(alg, { kid: alg, generation: 1 })).sign(CLAIMS))
    await open('another-key', { algorithms })
    expect(await verify('another-key', await Promise.all(tokens))).toEqual(
      algorithms.map(() => ({ status: 401, code: 'signature_invalid' })),
    )
  })

  it(`fetches keys through ${runtime.transport === 'global fetch' ? 'its own fetch' : 'undici'}`, async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    const options = { ...RULES, jwksUri: endpoint.url }
    const found = await tell({ do: 'transport', options, token: goodToken('ES256') })
    expect(found).toMatchObject({ through: runtime.transport, answer: { status: 200 } })
  })

  it('accepts its own fetch as an option', async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    await open('own-fetch', {}, { fetch: 'global' })
    expect(await verifyOne('own-fetch', goodToken('ES256'))).toMatchObject({ status: 200 })
  })

  it('can create a verifier while a module is loaded, and rejects a malformed token without any I/O', async () => {
    expect(await tell({ do: 'first-verifier', token: 'rubbish' })).toEqual({ status: 401, code: 'token_malformed' })
  })

  it('follows a rotation without a restart: accepts the new key immediately, and later refuses the removed one', async () => {
    const [before, after] = [
      await createTestKeys('ES256', { kid: 'before' }),
      await createTestKeys('ES256', { kid: 'after' }),
    ]
    const [old, young] = [await before.sign(CLAIMS), await after.sign(CLAIMS)]

    endpoint.publish(before.publicJwk)
    await open('rotation', {}, { clock: 'moved' })
    expect(await verifyOne('rotation', old)).toMatchObject({ status: 200 })

    endpoint.publish(before.publicJwk, after.publicJwk)
    expect(await verify('rotation', [young, old])).toMatchObject([{ status: 200 }, { status: 200 }])

    endpoint.publish(after.publicJwk)
    await tell({ do: 'advance', name: 'rotation', seconds: 700 })
    expect(await verify('rotation', [old, young])).toMatchObject([
      { status: 401, code: 'key_not_found' },
      { status: 200 },
    ])
    expect(endpoint.stats().requests).toHaveLength(3)
  })

  it('refuses forged tokens, each with its own code', async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    await open('forged')
    const names = Object.keys(forged)
    const answers = await verify(
      'forged',
      Object.values(forged).map(([token]) => token),
    )
    expect(Object.fromEntries(names.map((name, index) => [name, answers[index]]))).toEqual(
      Object.fromEntries(Object.entries(forged).map(([name, [, code]]) => [name, { status: 401, code }])),
    )
    expect(trap.stats().connections).toBe(0)
  })

  it('refuses every token of the bad-token factory, and connects to none of their addresses', async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    await open('hostile')
    const answers = await verify(
      'hostile',
      hostile.map(({ token }) => token),
    )
    const unexpected = hostile
      .map(({ name, refusal }, index) => ({ name, refusal, answer: answers[index] }))
      .filter(({ refusal, answer }) => answer?.status !== 401 && !(refusal === 'optional' && answer?.status === 200))
    expect(answers.length).toBeGreaterThan(100)
    expect(unexpected).toEqual([])
    expect(trap.stats().connections).toBe(0)
  })

  it('answers 503 and never 401 while the endpoint answers 503 or refuses connections', async () => {
    await endpoint.behave({ kind: 'status', status: 503 })
    await open('failing')
    expect(await verifyOne('failing', goodToken('ES256'))).toEqual({ status: 503, code: 'keys_unavailable' })

    await endpoint.behave({ kind: 'refuse' })
    await open('refusing')
    expect(await verifyOne('refusing', goodToken('ES256'))).toEqual({ status: 503, code: 'keys_unavailable' })
  })

  it.each(FAULTS)('answers 503 and never 401 if the endpoint answers with %s', async (name, fault) => {
    endpoint.publish(keysFor('ES256').publicJwk)
    await endpoint.behave(fault(trap.url))
    await open(name, { keySet: { timeout: 0.3 } })
    expect(await verifyOne(name, goodToken('ES256'))).toEqual({ status: 503, code: 'keys_unavailable' })
    expect(trap.stats().connections).toBe(0)
  })

  it("finds an issuer's keys by its metadata", async () => {
    const issuer = endpoint.origin
    const { publicJwk, sign } = keysFor('ES256')
    endpoint.publish(publicJwk)
    endpoint
      .at('/.well-known/openid-configuration')
      .once({ kind: 'ok', body: { issuer, jwks_uri: endpoint.urlOf('/found.json') } })
    const options = { issuer, audience: AUDIENCE }
    await tell({ do: 'open', name: 'discovery', options, clock: 'own', fetch: 'default' })
    expect(await verifyOne('discovery', await sign({ ...CLAIMS, iss: issuer }))).toMatchObject({ status: 200 })
    expect(endpoint.stats().requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/found.json',
    ])
  })

  it('continues with known keys while the endpoint is down, answers 503 for others, and recovers', async () => {
    const [known, other] = [keysFor('ES256'), await createTestKeys('ES256', { kid: 'other' })]
    const [good, newer] = [goodToken('ES256'), await other.sign(CLAIMS)]
    endpoint.publish(known.publicJwk)
    await open('outage', {}, { clock: 'moved' })
    expect(await verifyOne('outage', good)).toMatchObject({ status: 200 })

    await endpoint.behave({ kind: 'refuse' })
    await tell({ do: 'advance', name: 'outage', seconds: 700 })
    expect(await verify('outage', [good, newer])).toMatchObject([
      { status: 200 },
      { status: 503, code: 'keys_unavailable' },
    ])

    await endpoint.behave({ kind: 'ok' })
    endpoint.publish(known.publicJwk, other.publicJwk)
    await tell({ do: 'advance', name: 'outage', seconds: 120 })
    expect(await verify('outage', [newer, good])).toMatchObject([{ status: 200 }, { status: 200 }])
  })

  it('answers concurrent requests of a cold verifier with few fetches, and leaves none hanging', async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    await endpoint.behave({ kind: 'ok', delay: 150 })
    await open('cold')
    const requests = Array.from({ length: 20 }, () => verifyOne('cold', goodToken('ES256')))
    const answers = await Promise.all(requests)
    expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 200))
    expect(endpoint.stats().requests).toHaveLength(1)
  })

  it('leaves no request hanging if the one that started the fetch ends before the keys arrive', async () => {
    endpoint.publish(keysFor('ES256').publicJwk)
    endpoint.once({ kind: 'ok', delay: 100 })
    await open('deserted', { keySet: { timeout: 1 } })
    await tell({ do: 'begin', name: 'deserted', token: goodToken('ES256') })
    const others = await Promise.all(Array.from({ length: 5 }, () => verifyOne('deserted', goodToken('ES256'))))
    expect(others.map((answer) => answer?.status)).toEqual([200, 200, 200, 200, 200])
    // If the fetch ended with its request, as in workers, another request started it again.
    expect(endpoint.stats().requests.length).toBeLessThanOrEqual(2)
  })

  it('lets MCP messages through, or refuses them, before their handler reads them', async () => {
    const options = { ...RULES, jwks: { keys: [keysFor('ES256').publicJwk] } }
    const text = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"text":"é"}}}'
    expect(await tell({ do: 'mcp', options, token: goodToken('ES256') })).toEqual({
      call: [200, JSON.stringify([text, 7])],
      'a call in a stream': [200, JSON.stringify([text, 7])],
      'a call of another tool': [403, ''],
      'a call without a token': [401, ''],
      'a batch': [400, ''],
      'a member twice': [400, ''],
      'a stream without an end': [413, ''],
      'a stream that stops': [408, ''],
      metadata: [200, 'https://api.example/mcp'],
    })
  })

  it('protects an app of Hono', async () => {
    const options = { ...RULES, jwks: { keys: [keysFor('ES256').publicJwk] } }
    const refusal = (error: string, scopes = ''): unknown =>
      expect.stringMatching(new RegExp(`^Bearer realm="api", error="${error}".*"${scopes}$`))
    expect(await tell({ do: 'hono', options, token: goodToken('ES256') })).toEqual({
      'a good token': [200, 'alice'],
      'no token': [401, 'Bearer realm="api"'],
      'a token without the scope': [403, refusal('insufficient_scope', ', scope="orders:write"')],
      'two tokens': [400, refusal('invalid_request')],
    })
  })

  it('reads tokens from forms within limits, and leaves the body readable', async () => {
    const options = { ...RULES, jwks: { keys: [keysFor('ES256').publicJwk] } }
    const token = goodToken('ES256')
    expect(await tell({ do: 'forms', options, token })).toEqual({
      fits: { status: 200, left: `note=x&access_token=${token}`.length },
      'without a token': { status: 401, left: 6 },
      'too large': { status: 413, left: 70_000 },
      'too many fields': { status: 413, left: 2000 },
      'a stream too large': { status: 413, left: 200 * 1024 },
      'a stream without an end': { status: 413 },
      'a stream that fails': { status: 400 },
      'a stream that stops': { status: 408 },
    })
  })

  it('decrypts tokens with every supported algorithm, and answers all others alike', async () => {
    const jwks = { keys: [keysFor('ES256').publicJwk] }
    const privateJwks = encryptionKeys.map(({ jwk }) => jwk)
    const tokens = await Promise.all(
      encryptionKeys.flatMap(({ algs, publicKey, jwk }) =>
        algs.flatMap((alg) => CONTENT_ENCRYPTIONS.map((enc) => encrypt(publicKey, { alg, enc, kid: jwk.kid ?? '' }))),
      ),
    )
    const tampered = tokens.map((token) =>
      token.replace(/[^.](?=[^.]{8}\.[^.]*$)/, (last) => (last === 'A' ? 'B' : 'A')),
    )
    const good = { status: 200, alg: 'ES256', sub: 'alice', scopes: ['orders:read'] }
    const options = { ...RULES, jwks }
    expect(await tell({ do: 'decrypt', options, keys: privateJwks, tokens: [...tokens, goodToken('ES256')] })).toEqual(
      [...tokens, ''].map(() => good),
    )
    expect(await tell({ do: 'decrypt', options, keys: privateJwks, tokens: tampered })).toEqual(
      tampered.map(() => ({ status: 401, code: 'token_decryption_failed' })),
    )
  })

  it('introspects opaque tokens, asks again for fresh(), and accepts DPoP proofs with nonces', async () => {
    const server = await startIntrospectionServer()
    const [client, key] = [await createDpopClient(), keysFor('ES256')]
    const claims = { exp: CLAIMS.exp, aud: AUDIENCE }
    server.reply = (token) => {
      if (token === 'down') return { status: 500 }
      if (token === 'junk') return { body: { active: false } }
      const bound = token === 'bound' ? { cnf: { jkt: client.jkt }, token_type: 'DPoP' } : {}
      return { body: active(server.issuer, { ...claims, ...bound }) }
    }
    const options = { issuer: server.issuer, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }
    const send = (...requests: readonly FeatureRequest[]) => tell({ do: 'features', options, requests })
    const plain = (token: string, path: FeatureRequest['path'] = '/orders'): FeatureRequest => ({
      path,
      headers: { authorization: `Bearer ${token}` },
    })
    const jwt = await key.sign({ ...CLAIMS, iss: server.issuer })
    const statuses = (answers: readonly FeatureAnswer[]): readonly number[] => answers.map(({ status }) => status)
    const requests = [
      plain('good'),
      plain('good'),
      plain('junk'),
      plain(jwt),
      plain('good', '/payments'),
      plain(jwt, '/payments'),
    ]
    expect(statuses(await send(...requests))).toEqual([200, 200, 401, 200, 200, 200])
    expect(server.seen.map(({ form }) => form.get('token'))).toEqual(['good', 'junk', 'good', jwt])
    server.reply = () => ({ body: { active: false } })
    const revoked = [plain('good'), plain('good', '/payments'), plain('good'), plain(jwt), plain(jwt, '/payments')]
    expect(statuses(await send(...revoked))).toEqual([200, 401, 401, 200, 401])

    server.reply = (token) =>
      token === 'down'
        ? { status: 500 }
        : { body: active(server.issuer, { ...claims, cnf: { jkt: client.jkt }, token_type: 'DPoP' }) }
    const proven = async (nonce?: string): Promise<FeatureRequest> => {
      const proof = { htu: 'https://api.example/orders', iat: Math.floor(Date.now() / 1000), nonce }
      return {
        path: '/orders',
        headers: { authorization: 'DPoP bound', dpop: await client.proof('bound', { claims: proof }) },
      }
    }
    const [first] = await send(await proven())
    expect(first).toMatchObject({ status: 401, error: 'use_dpop_nonce', nonce: expect.any(String) })
    const good = await proven(first?.nonce)
    expect(await send(good, good, plain('bound'), plain('down'))).toMatchObject([
      { status: 200 },
      { status: 401, error: 'invalid_dpop_proof' },
      { status: 401, error: 'invalid_token' },
      { status: 503 },
    ])
    await server.close()
  })

  it('accepts a token that is bound to a certificate from a trusted proxy, and only with that certificate', async () => {
    const key = keysFor('ES256')
    const options = { ...RULES, issuer: trap.url, jwks: { keys: [key.publicJwk] } }
    const [certificate, other] = ['ada', 'bob'].map((name) => createCertificate(name))
    const token = await key.sign({ ...CLAIMS, iss: trap.url, cnf: { 'x5t#S256': certificate?.thumbprint } })
    const sent = (presented: TestCertificate | undefined, secret: string): FeatureRequest => ({
      path: '/orders',
      headers: {
        authorization: `Bearer ${token}`,
        'x-proxy-secret': secret,
        ...(presented !== undefined && { 'client-cert': FIELDS.rfc9440(presented) }),
      },
    })
    const requests = [
      sent(certificate, 'of the proxy'),
      sent(other, 'of the proxy'),
      sent(undefined, 'of the proxy'),
      sent(certificate, 'of a client'),
    ]
    const answers = await tell({ do: 'features', options, requests })
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 401])
  })

  it('revokes tokens by logout tokens, security events and status lists', async () => {
    const key = keysFor('ES256')
    endpoint.publish(key.publicJwk)
    await using lists = await startListServer()
    const common = { iss: ISSUER, iat: now, exp: now + 600 }
    // Index 1 has the status 1: revoked.
    await lists.publish(common, {}, key)
    const listed = (idx: number): Promise<string> =>
      key.sign({ ...CLAIMS, status: { status_list: { uri: lists.uri, idx } } })
    const logout = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const changed = { 'https://schemas.openid.net/secevent/caep/event-type/credential-change': {} }
    const answer = await tell({
      do: 'revocation',
      options: { ...RULES, jwksUri: endpoint.url },
      clientId: 'shop',
      logoutToken: await key.sign(
        { ...common, aud: 'shop', jti: 'logout-1', sid: 'session-1', events: logout },
        { typ: 'logout+jwt' },
      ),
      event: await key.sign(
        {
          ...common,
          aud: AUDIENCE,
          jti: 'event-1',
          sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'bob' },
          events: changed,
        },
        { typ: 'secevent+jwt' },
      ),
      tokens: {
        session: await key.sign({ ...CLAIMS, sid: 'session-1' }),
        user: await key.sign({ ...CLAIMS, sub: 'bob' }),
        valid: await listed(0),
        revoked: await listed(1),
      },
    })
    expect(answer).toEqual({
      session: [200, 200, 401, 400],
      user: [200, 400, 202, 401],
      // It cannot decompress lists, so it must not start to ignore them.
      list:
        runtime.name === 'edge-runtime'
          ? 'TypeError: Cannot create status list check: this JavaScript runtime has no DecompressionStream'
          : [200, 401],
    })
  })

  it('protects a resource with @claimgate/fetch: 200, 401, 403 and 503, each with its challenge', async () => {
    const get = async (token?: string): Promise<object> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(`${served.origin}/protected/gate`, { headers })
      return { status: answer.status, challenge: answer.headers.get('www-authenticate'), body: await answer.json() }
    }
    const key = keysFor('ES256')
    endpoint.publish(key.publicJwk)
    await open('gate')
    expect(await get(goodToken('ES256'))).toEqual({ status: 200, challenge: null, body: { caller: 'alice' } })
    expect(await get()).toMatchObject({ status: 401, challenge: 'Bearer realm="api", scope="orders:read"' })
    expect(await get(await key.sign({ ...CLAIMS, aud: 'https://other.example' }))).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    })
    expect(await get(await key.sign({ ...CLAIMS, scope: 'orders:list' }))).toMatchObject({
      status: 403,
      challenge: expect.stringContaining('error="insufficient_scope"'),
    })
    await endpoint.behave({ kind: 'refuse' })
    await open('gate')
    expect(await get(goodToken('ES256'))).toMatchObject({ status: 503, challenge: null })
  })
})

it('names the runtimes that are not installed', () => {
  expect([...installed.map(({ name }) => name), ...missing].toSorted()).toEqual(
    RUNTIMES.map(({ name }) => name).toSorted(),
  )
  expect(RUNTIMES.map(({ pinned }) => pinned)).not.toContain('not pinned')
  expect(report([], ['Deno'])).toContain('skipped: Deno is not installed')
})

function keysFor(alg: string): TestKeys {
  const found = keys.get(alg)
  if (found === undefined) throw new Error(`No keys for ${alg}`)
  return found
}

function goodToken(alg: string): string {
  return goodTokens.get(alg) ?? ''
}

interface EncryptionKey {
  readonly algs: readonly string[]
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

async function makeEncryptionKeys(): Promise<readonly EncryptionKey[]> {
  const agreements = KEY_MANAGEMENT_ALGORITHMS.filter((alg) => alg !== 'RSA-OAEP-256')
  const make = async (algs: readonly string[], crv?: string): Promise<EncryptionKey> => {
    const options = { extractable: true, ...(crv !== undefined && { crv }) }
    const { privateKey, publicKey } = await generateKeyPair(algs[0] ?? '', options)
    return { algs, publicKey, jwk: { ...(await exportJWK(privateKey)), kid: crv ?? 'RSA' } }
  }
  const curves = ['P-256', 'P-384', 'P-521', 'X25519'].map((crv) => make(agreements, crv))
  return Promise.all([make(['RSA-OAEP-256']), ...curves])
}

function encrypt(publicKey: CryptoKey, header: { alg: string; enc: string; kid: string }): Promise<string> {
  const jwt = new TextEncoder().encode(goodToken('ES256'))
  return new CompactEncrypt(jwt).setProtectedHeader({ ...header, cty: 'JWT' }).encrypt(publicKey)
}

async function forgeries(signer: TestKeys): Promise<typeof forged> {
  const good = await signer.sign(CLAIMS)
  const [header = '', , signature = ''] = good.split('.')
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const other = await createTestKeys('ES256', { kid: 'attacker' })
  const hmac = async (secret: string): Promise<string> => {
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: signer.kid })}.${encode(CLAIMS)}`
    const usage = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), usage, false, ['sign'])
    return `${input}.${Buffer.from(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input))).toString('base64url')}`
  }
  return {
    'alg none': [`${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(CLAIMS)}.`, 'algorithm_not_allowed'],
    'HS256 with the public key': [await hmac(signer.publicPem), 'algorithm_not_allowed'],
    'tampered claims': [`${header}.${encode({ ...CLAIMS, sub: 'mallory' })}.${signature}`, 'signature_invalid'],
    'another audience': [await signer.sign({ ...CLAIMS, aud: 'https://other.example' }), 'audience_mismatch'],
    expired: [await signer.sign({ ...CLAIMS, iat: now - 7200, exp: now - 3600 }), 'token_expired'],
    "another key's signature": [await other.sign(CLAIMS, { kid: signer.kid }), 'signature_invalid'],
    'a jku header': [await other.sign(CLAIMS, { kid: other.kid, jku: trap.url }), 'key_not_found'],
    'a jwk header': [await other.sign(CLAIMS, { kid: signer.kid, jwk: other.publicJwk }), 'signature_invalid'],
  }
}
