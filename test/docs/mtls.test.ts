// Runs the snippets of docs/mtls.md as printed, with the built packages.
import { startTestIssuer } from '@claimgate/testing'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/docs/free-port.ts'
import { snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'
import { createCertificate, FIELDS, type TestCertificate } from '../support/mtls/certificates.ts'

const server = createCertificate('localhost')
const client = createCertificate('client')
const other = createCertificate('other')

let folder: string
let issuer: Awaited<ReturnType<typeof startTestIssuer>>
let environment: Record<string, string>
let bound: string
let plain: string

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  issuer = await startTestIssuer({ audience: 'orders-api' })
  bound = await issuer.issuer.issue({ sub: 'ada', cnf: { 'x5t#S256': client.thumbprint } })
  plain = await issuer.issuer.issue({ sub: 'ada' })
  const files = { TLS_KEY_FILE: server.key, TLS_CERT_FILE: server.cert, CLIENT_CA_FILE: client.cert + other.cert }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  environment = {
    JWT_ISSUER: issuer.issuer.issuer,
    JWT_AUDIENCE: 'orders-api',
    ...Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, name)])),
  }
})
afterAll(async () => {
  await issuer.close()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf(name: string, more = ''): Promise<string> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, `${snippet(name)}\n${more}`)
  return file
}

describe('the server of the snippet', () => {
  it.each(['mtls-connection', 'mtls-connection-fastify'])(
    '%s takes the certificate of the connection',
    async (name) => {
      const port = await freePort()
      const program = spawn(process.execPath, [await fileOf(name)], {
        env: { ...process.env, ...environment, PORT: String(port) },
        stdio: 'inherit',
      })
      const send = async (token: string, certificate?: TestCertificate): Promise<number | undefined> => {
        const { key, cert } = certificate ?? {}
        const headers = { authorization: `Bearer ${token}` }
        const sent = request({
          port,
          host: '127.0.0.1',
          path: '/me',
          ca: server.cert,
          agent: false,
          key,
          cert,
          headers,
        })
        try {
          const [response] = (await once(sent.end(), 'response')) as [{ statusCode: number; resume(): void }]
          response.resume()
          return response.statusCode
        } catch {
          return undefined
        }
      }
      while ((await send(bound, client)) === undefined) expect(program.exitCode).toBe(null)
      const statuses = [
        await send(bound, client),
        await send(bound, other),
        await send(plain, client),
        await send(bound),
      ]
      program.kill()
      expect(statuses).toEqual([200, 401, 401, undefined])
    },
  )

  it('mtls-proxy takes the field from its proxy only', async () => {
    const headers = { authorization: `Bearer ${bound}`, 'client-cert': FIELDS.nginx(client) }
    const file = await fileOf('mtls-proxy')
    expect(snippet('mtls-proxy')).toContain("format: 'nginx'")
    for (const [PROXY_ADDRESSES, status] of [
      ['10.0.0.4,127.0.0.1', 200],
      ['10.0.0.5', 401],
    ] as const) {
      const running = await run(file, { ...environment, PROXY_ADDRESSES })
      const statuses = [
        (await fetch(`${running.url}/me`, { headers })).status,
        (await fetch(`${running.url}/me`, { headers: { ...headers, 'client-cert': FIELDS.nginx(other) } })).status,
        (await fetch(`${running.url}/me`, { headers: { authorization: `Bearer ${bound}` } })).status,
      ]
      await running.close()
      expect(statuses).toEqual([status, 401, 401])
    }
  })
})

describe('the gate of the snippet', () => {
  it('mtls-secret takes the field with the secret of the proxy', async () => {
    const field = { authorization: `Bearer ${bound}`, 'client-cert': FIELDS.rfc9440(client) }
    const requests = [{ ...field, 'x-proxy-secret': 's3cret' }, field, { ...field, 'x-proxy-secret': 'guess' }]
    const file = await fileOf(
      'mtls-secret',
      `const statuses = []
      for (const headers of ${JSON.stringify(requests)}) {
        const answer = await gate(new Request('https://api.example.com/', { headers }))
        statuses.push(answer instanceof Response ? answer.status : 200)
      }
      console.log(JSON.stringify(statuses))
      process.exit()`,
    )
    const start = async (PROXY_SECRET: string): Promise<string> =>
      (await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...environment, PROXY_SECRET } }))
        .stdout
    expect(JSON.parse(await start('s3cret'))).toEqual([200, 401, 401])
    await expect(start('')).rejects.toThrow('Set PROXY_SECRET')
  })
})
