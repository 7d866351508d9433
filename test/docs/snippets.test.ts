import { execFile, spawn } from 'node:child_process'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { createVerifier } from '@claimgate/core'
import { localSigner, publicKeyPem } from '@claimgate/issuer'
import { startTestIssuer } from '@claimgate/testing'
import { startFakeKms } from '@claimgate/testing/aws'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { SERVE_PORT } from '../../packages/cli/src/options.ts'
import { PROGRAM } from '../support/cli/run-cli.ts'
import { active } from '../support/introspection/server.ts'
import { createDpopClient } from '../support/dpop/client.ts'
import { createCertificate } from '../support/mtls/certificates.ts'
import { lstOf, packed, startListServer } from '../support/status-list/world.ts'
import { takeFinds } from '../support/secrets/watch.ts'
import { pageAt, shellSnippet, snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'

// Run as printed on the pages, with the built packages.
const PASSPHRASE = 'correct horse'
const ISSUER_LIKE_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/

let folder: string
let issuer: Awaited<ReturnType<typeof startTestIssuer>>
let environment: Record<string, string>
let authorization: string

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  await mkdir(join(folder, 'node_modules'))
  const plugin = await realpath(join(import.meta.dirname, '../../packages/fastify/node_modules/fastify-plugin'))
  await symlink(plugin, join(folder, 'node_modules/fastify-plugin'))

  const signer = await localSigner()
  issuer = await startTestIssuer({ audience: 'orders-api', signer })
  const token = await issuer.issuer.issue({ sub: 'ada', scope: 'orders:read', realm_access: { roles: ['buyer'] } })
  authorization = `Bearer ${token}`
  await writeFile(join(folder, 'public.pem'), await publicKeyPem(signer))
  const decryptionKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  environment = {
    JWT_ISSUER: issuer.issuer.issuer,
    JWT_AUDIENCE: 'orders-api',
    TOKEN: token,
    PUBLIC_KEY_FILE: join(folder, 'public.pem'),
    OLD_SECRET: 'a secret of at least thirty-two bytes',
    COOKIE_SECRET: 'the secret of the cookies',
    PORT: '0',
    NONCE_SECRETS: `${'new'.repeat(16)} ${'old'.repeat(16)}`,
    DECRYPTION_KEY: decryptionKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
      .toString(),
    PASSPHRASE,
    METADATA_KEY: decryptionKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
})
afterAll(async () => {
  await issuer.close()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf(name: string, more = ''): Promise<string> {
  const file = join(folder, `${name}.${name === 'require' ? 'cjs' : 'mjs'}`)
  await writeFile(file, `${snippet(name)}\n${more}`)
  return file
}

/** The value of `expression` after the snippet of that name has run, through JSON. */
async function outcomeOf(
  name: string,
  expression: string,
  more: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const file = await fileOf(name, `console.log(JSON.stringify(${expression})); process.exit()`)
  const env = { ...process.env, ...environment, ...more }
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env })
  return JSON.parse(stdout)
}

const SUBJECT = '(await verifier.verify(process.env.TOKEN)).claims.sub'
const HEADERS = '{ headers: { authorization: `Bearer ${process.env.TOKEN}` } }'

describe('a snippet', () => {
  it.each([
    ['require', 'typeof verifier.verify', 'function'],
    ['public-key', SUBJECT, 'ada'],
    ['first-of', SUBJECT, 'ada'],
    ['issuers', SUBJECT, 'ada'],
    ['typed-claims', 'sub', 'ada'],
    ['encrypted', '[token.split(".").length, claims.sub]', [5, 'ada']],
    ['cookie', 'auth.claims.sub', 'ada'],
    [
      'select-verifier',
      `await Promise.all(['acme', 'other'].map(async (tenant) => {
        const headers = { authorization: \`Bearer \${process.env.TOKEN}\`, 'x-tenant': tenant }
        return (await gate(new Request('https://api.example.com/', { headers }))).status ?? 'accepted'
      }))`,
      ['accepted', 401],
    ],
    ['refusal-body', '[response.status, await response.json()]', [401, { status: 401, error: 'unauthenticated' }]],
    ['protect', '(await GET(new Request("https://api.example.com/"))).status', 401],
    [
      'lambda-protect',
      `await Promise.all([{}, { authorization: 'Bearer ' + process.env.TOKEN }].map((headers) => handler({ httpMethod: 'GET', path: '/', headers }))).then((all) => all.map(({ statusCode, body }) => [statusCode, body.slice(0, 3)]))`,
      [
        [401, '{"t'],
        [200, 'ada'],
      ],
    ],
    [
      'lambda-middy',
      `(await handler({ httpMethod: 'GET', path: '/', headers: { authorization: 'Bearer ' + process.env.TOKEN } }, {})).body`,
      'ada',
    ],
    [
      'lambda-authorizer',
      `(await handler({ type: 'TOKEN', authorizationToken: 'Bearer ' + process.env.TOKEN, methodArn: 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/orders' })).policyDocument.Statement[0].Resource`,
      ['arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/orders/*'],
    ],
    [
      'hono-app',
      `[await (await app.request('/me', ${HEADERS})).json(), (await app.request('/me')).status]`,
      [{ sub: 'ada' }, 401],
    ],
    ['hono', `await (await app.request('/', ${HEADERS})).json()`, { sub: 'ada' }],
    ['hono', `(await app.request('/', { method: 'POST', ...${HEADERS} })).status`, 403],
    [
      'signed-claims',
      'await revokeEverything(process.env.TOKEN).then(() => verifier.verify(process.env.TOKEN)).catch(({ code }) => code)',
      'token_refused',
    ],
    [
      'signed-metadata',
      `await resource.answer({ method: 'GET', target: resource.paths[0], header: () => [] }).then(({ body }) => JSON.parse(body).signed_metadata.split('.').length)`,
      3,
    ],
    [
      'authorization-details',
      `await (async () => {
        const details = (amount) => [{ type: 'payment', actions: ['initiate'], instructedAmount: { currency: 'EUR', amount } }]
        const order = { currency: 'EUR', cents: 2000 }
        const met = (amount) => covers(order).isMet({ claims: { authorization_details: details(amount) } }, { now: 0 })
        await new Promise((resolve) => (server.listening ? resolve() : server.once('listening', resolve)))
        const url = \`http://127.0.0.1:\${server.address().port}/orders/1/pay\`
        return [met('20.00'), met('19.99'), met('1e9'), (await fetch(url, { method: 'POST', ...${HEADERS} })).status]
      })()`,
      [true, false, false, 403],
    ],
    ['remediation', `pay({ currency: 'EUR', amount: '20.00' }).refusal.status`, 401],
    ['dpop-nonces', '[proofs.scheme, proofs.confirmation]', ['DPoP', 'jkt']],
    [
      'fastify-plugin',
      `await (await import('fastify')).default().register(auth).get('/', () => 'ok').inject('/').then((answer) => answer.statusCode)`,
      401,
    ],
  ])('named %s runs: %s', async (name, expression, expected) => {
    expect(await outcomeOf(name, expression)).toEqual(expected)
  })

  it('explains a DPoP proof', async () => {
    const client = await createDpopClient()
    const token = await issuer.issuer.issue({ sub: 'ada', cnf: { jkt: client.jkt } })
    const proof = await client.proof(token, {
      claims: { htu: 'https://api.example.com/bills', iat: Date.now() / 1000 },
    })
    const env = { ...process.env, ...environment, TOKEN: token, PROOF: proof }
    const { stdout } = await promisify(execFile)(process.execPath, [await fileOf('dpop-explain')], { env })
    expect(stdout).toMatch(/^proof.signature passed/m)
    expect(stdout).toMatch(
      /^proof.htu failed "htu: https:\/\/api.example.com\/orders" "https:\/\/api.example.com\/bills"$/m,
    )
    expect(stdout).toMatch(/^Refused \(binding_failed\)/m)
  })

  it('checks status lists', async () => {
    const lists = await startListServer()
    const status_list = { bits: 1, lst: lstOf(packed(1, [0, 1])) }
    const list = await issuer.issuer.issue({ sub: lists.uri, status_list }, { typ: 'statuslist+jwt' })
    lists.respond((_request, response) => void response.end(list))
    const tokens = await Promise.all(
      [0, 1].map(async (idx) => issuer.issuer.issue({ status: { status_list: { uri: lists.uri, idx } } })),
    )
    const expression = `await Promise.all(${JSON.stringify(tokens)}.map((token) => verifier.verify(token).then(() => 'accepted', ({ code }) => code)))`
    const outcome = await outcomeOf('status-list', expression)
    await lists[Symbol.asyncDispose]()
    expect(outcome).toEqual(['accepted', 'token_refused'])
  })

  it('receives security events', async () => {
    const secret = 'the-secret-of-the-transmitter-0123'
    const token = await issuer.issuer.issue({ sub: 'ada' })
    const sub_id = { format: 'iss_sub', iss: issuer.issuer.issuer, sub: 'ada' }
    const events = {
      'https://schemas.openid.net/secevent/caep/event-type/credential-change': { change_type: 'update' },
    }
    const typed = { typ: 'secevent+jwt', audience: 'https://api.example.com/events' }
    const expression = `await (async () => {
      const post = (authorization) => new Request('https://api.example.com/events', {
        method: 'POST', headers: { authorization, 'content-type': 'application/secevent+jwt' }, body: process.env.EVENT })
      const get = () => new Request('https://api.example.com/', { headers: { authorization: 'Bearer ' + process.env.TOKEN } })
      const send = async (request) => (await worker.fetch(request)).status
      return [await send(get()), await send(post('Bearer other')), await send(post('Bearer ${secret}')), await send(get())]
    })()`
    const more = {
      TOKEN: token,
      TRANSMITTER_SECRET: secret,
      EVENT: await issuer.issuer.issue({ sub_id, events }, typed),
    }
    expect(await outcomeOf('security-events', expression, more)).toEqual([200, 400, 202, 401])
  })

  it('explains a token', async () => {
    const env = { ...process.env, ...environment }
    const { stdout } = await promisify(execFile)(process.execPath, [await fileOf('explain')], { env })
    expect(stdout).toMatch(/^Accepted/)
    const other = await promisify(execFile)(process.execPath, [await fileOf('explain')], {
      env: { ...env, JWT_AUDIENCE: 'billing-api' },
    })
    expect(other.stdout).toMatch(/^Refused \(audience_mismatch\)/)
  })

  it('issues tokens with keys in KMS', async () => {
    const keys = ['alias/tokens', 'alias/tokens-next'].map((alias) => ({
      keySpec: 'ECC_NIST_P256' as const,
      aliases: [alias],
    }))
    const kms = await startFakeKms({ keys })
    const region = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example' }
    const expression = 'issuer.jwks().keys.length'
    expect(await outcomeOf('kms-issuer', expression, { ...region, AWS_ENDPOINT_URL_KMS: kms.endpoint })).toBe(2)
    await kms.close()
  })
})

describe('the snippet that gets a token', () => {
  it('prints a line for a shell, and answers until it is stopped', async () => {
    const [, args = ''] = /^npx @claimgate\/cli (.+)\n$/.exec(shellSnippet('get-a-token')) ?? []
    // On a free port, because another program may use 9000, which step 2 of the page says.
    const child = spawn(process.execPath, [PROGRAM, ...args.split(' '), '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let token = ''
    for await (const line of createInterface(child.stdout)) {
      const [, printed] = /^ {2}export TOKEN=(\S+)$/.exec(line) ?? []
      if (printed === undefined) continue
      token = printed
      break
    }
    expect(token).toMatch(ISSUER_LIKE_TOKEN)
    const verifier = createVerifier({ issuer: String(decodeJwt(token).iss), audience: 'orders-api' })
    const { claims, scopes } = await verifier.verify(token)
    const closed = once(child, 'close')
    child.kill()
    await closed
    verifier.close()
    expect([claims['sub'], [...scopes]]).toEqual(['ada', ['orders:read', 'orders:write']])
    // It prints its token, as intended.
    takeFinds()
  })

  it('serves on the port that the next step names', () => {
    expect(SERVE_PORT).toBe(9000)
    expect(pageAt('README.md')).toContain('JWT_ISSUER=http://127.0.0.1:9000 JWT_AUDIENCE=orders-api node server.mjs')
  })
})

it('the snippet introspection-tls authenticates with its certificate', async () => {
  const [server, client] = [createCertificate('localhost'), createCertificate('orders-api')]
  const seen: unknown[] = []
  const endpoint = createServer({ ...server, requestCert: true, rejectUnauthorized: false }, (asked, response) => {
    const url = `https://${asked.headers.host}`
    seen.push((asked.socket as TLSSocket).getPeerCertificate().subject?.CN)
    response.setHeader('content-type', 'application/json')
    const metadata = { issuer: url, introspection_endpoint: `${url}/introspect` }
    response.end(JSON.stringify(asked.method === 'POST' ? active(url, { aud: 'orders-api' }) : metadata))
  })
  await once(endpoint.listen(0, '127.0.0.1'), 'listening')
  const files = { TLS_KEY_FILE: client.key, TLS_CERT_FILE: client.cert, TLS_CA_FILE: server.cert }
  const env: Record<string, string> = {
    JWT_ISSUER: `https://127.0.0.1:${(endpoint.address() as AddressInfo).port}`,
  }
  for (const [name, pem] of Object.entries(files)) {
    env[name] = join(folder, `${name}.pem`)
    await writeFile(env[name], pem)
  }
  const subject = "(await verifier.verify('opaque')).claims.sub"
  expect(await outcomeOf('introspection-tls', subject, env)).toBe('ada')
  expect(seen).toEqual(['orders-api', 'orders-api'])
  endpoint.close()
})

describe('the server of the snippet', () => {
  it('signed-cookie accepts cookies that the application has signed', async () => {
    const token = environment['TOKEN'] ?? ''
    const signature = createHmac('sha256', environment['COOKIE_SECRET'] ?? '')
      .update(token)
      .digest('base64')
    const forged = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    const server = await run(await fileOf('signed-cookie'), environment)
    const get = async (value: string): Promise<number> => {
      const headers = { cookie: `session=${encodeURIComponent(value)}` }
      return (await fetch(`${server.url}/orders`, { headers })).status
    }
    const statuses = [await get(`s:${token}.${signature}`), await get(`s:${token}.${forged}`), await get(token)]
    await server.close()
    expect(statuses).toEqual([200, 401, 401])
  })

  it('authenticator answers like the adapters', async () => {
    const server = await run(await fileOf('authenticator'), environment)
    const refused = await fetch(server.url)
    const answer = await fetch(server.url, { headers: { authorization } })
    const body = await answer.text()
    await server.close()
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="api", scope="orders:read"')
    expect(body).toBe('ada')
  })

  it('upgrade opens sockets only with a token', async () => {
    const file = await fileOf('upgrade', `server.on('request', (_, response) => response.end())`)
    const server = await run(file, environment)
    const statusOf = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = request(server.url, {
          agent: false,
          headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
        })
        asked.on('upgrade', ({ statusCode }, socket) => {
          socket.destroy()
          resolve(statusCode)
        })
        asked.on('response', (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        asked.on('error', reject).end()
      })
    const cookie = authorization.replace('Bearer ', 'session=')
    const statuses = [await statusOf({}), await statusOf({ authorization }), await statusOf({ cookie })]
    await server.close()
    expect(statuses).toEqual([401, 101, 101])
  })
})
