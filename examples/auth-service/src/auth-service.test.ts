import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AuthService, type AuthServiceOptions, DEMO_USERS, startAuthService } from './index.ts'

const running: AuthService[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (service) => service.close()))
})

const start = async (options: AuthServiceOptions = {}): Promise<AuthService> => {
  const service = await startAuthService(options)
  running.push(service)
  return service
}

const startWithPeople = async (options: AuthServiceOptions = {}): Promise<AuthService> =>
  start({ users: DEMO_USERS, ...options })

const post = async (service: AuthService, body: string, type = 'application/json'): Promise<Response> =>
  fetch(`${service.url}/api/v1/auth`, { method: 'POST', body, headers: { 'content-type': type } })

const logIn = async (service: AuthService, userName: string, password: string): Promise<Response> =>
  post(service, JSON.stringify({ userName, password }))

const passwordOf = (name: string): string => DEMO_USERS.find(({ userName }) => userName === name)?.password ?? ''

const tokenOf = async (service: AuthService, name: string): Promise<string> => {
  const response = await logIn(service, name, passwordOf(name))
  return ((await response.json()) as { jwt: string }).jwt
}

const part = (token: string, index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Record<string, unknown>

const keyIds = async (service: AuthService): Promise<unknown[]> => {
  const response = await fetch(`${service.url}/.well-known/jwks.json`)
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
}

describe('logging in', () => {
  it.each([
    ['ada', 'writer', 'orders:read orders:write'],
    ['bob', 'reader', 'orders:read'],
  ])('gives %s, a %s, a token for 20 minutes with scope "%s"', async (userName, role, scope) => {
    const clock = { now: () => 1_800_000_000_500 }
    const service = await startWithPeople({ clock })
    const response = await logIn(service, userName, passwordOf(userName))

    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = (await response.json()) as { jwt: string }
    expect(Object.keys(body)).toEqual(['jwt'])
    const uuid: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/)
    expect(part(body.jwt, 1)).toEqual({
      iss: service.url,
      aud: 'orders-api',
      sub: userName,
      client_id: 'demo-client',
      iat: 1_800_000_000,
      exp: 1_800_001_200,
      jti: uuid,
      sid: uuid,
      role,
      scope,
    })
    expect(part(body.jwt, 0)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: (await keyIds(service))[0] })
  })

  it('gives every session its own sid and jti', async () => {
    const service = await startWithPeople()
    const [one, two] = [part(await tokenOf(service, 'ada'), 1), part(await tokenOf(service, 'ada'), 1)]
    expect(one['sid']).not.toBe(two['sid'])
    expect(one['jti']).not.toBe(two['jti'])
  })

  it('answers an unknown name and a wrong password with the same 401', async () => {
    const service = await startWithPeople()
    const unknown = await logIn(service, 'eve', passwordOf('ada'))
    const wrong = await logIn(service, 'ada', passwordOf('bob'))

    expect([unknown.status, wrong.status]).toEqual([401, 401])
    const text = await unknown.text()
    expect(text).toBe('{"error":"The name or the password is wrong."}')
    expect(await wrong.text()).toBe(text)
  })

  it.each(["ada' OR '1'='1", 'ADA', ' ada', '__proto__'])('does not accept %j as ada', async (userName) => {
    const service = await startWithPeople()
    expect((await logIn(service, userName, passwordOf('ada'))).status).toBe(401)
  })

  it.each([
    ['no JSON', '{"userName":'],
    ['an array', '[]'],
    ['a string', '"ada"'],
    ['null', 'null'],
    ['nothing', ''],
    ['no password', '{"userName":"ada"}'],
    ['a number for a name', '{"userName":1,"password":"x"}'],
    ['an object for a password', '{"userName":"ada","password":{"$ne":""}}'],
    ['an empty name', '{"userName":"","password":"x"}'],
    ['a name that is too long', JSON.stringify({ userName: 'a'.repeat(257), password: 'x' })],
  ])('answers 400 if the body is %s', async (_, body) => {
    const response = await post(await start(), body)
    expect(response.status).toBe(400)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({ error: 'The body must be JSON with "userName" and "password".' })
  })

  it('answers 400 if the body is valid but its content type is not JSON', async () => {
    const service = await startWithPeople()
    const body = JSON.stringify({ userName: 'ada', password: passwordOf('ada') })
    expect((await post(service, body, 'text/plain')).status).toBe(400)
  })

  it('answers 413 if the body is over 4 kB', async () => {
    const service = await start()
    const response = await post(service, JSON.stringify({ userName: 'ada', password: 'x'.repeat(5000) }))
    expect(response.status).toBe(413)
    expect(await response.json()).toEqual({ error: 'The body is too large.' })
  })

  it('answers 429 after too many failures, only for that name', async () => {
    const service = await startWithPeople({ attempts: { attempts: 2, windowSeconds: 60 } })
    const statuses = await Promise.all([1, 2, 3].map(async () => (await logIn(service, 'ada', 'wrong')).status))
    expect(statuses.toSorted()).toEqual([401, 401, 429])

    const refused = await logIn(service, 'ada', passwordOf('ada'))
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await logIn(service, 'bob', passwordOf('bob'))).status).toBe(200)
  })

  it('clears earlier failures after a success', async () => {
    const service = await startWithPeople({ attempts: { attempts: 2 } })
    for (let round = 0; round < 2; round += 1) {
      expect((await logIn(service, 'ada', 'wrong')).status).toBe(401)
      expect((await logIn(service, 'ada', passwordOf('ada'))).status).toBe(200)
    }
  })
})

describe('what verifiers read', () => {
  it('is a JWK Set with cache headers, and 304 for a current copy', async () => {
    const service = await start({ jwksMaxAge: 90 })
    const response = await fetch(`${service.url}/.well-known/jwks.json`)
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=90')
    expect(await response.json()).toEqual(service.issuer.jwks())

    const etag = response.headers.get('etag') ?? ''
    expect(await statusWith(`${service.url}/.well-known/jwks.json`, etag)).toBe(304)
    await service.rotate()
    expect(await statusWith(`${service.url}/.well-known/jwks.json`, etag)).toBe(200)
  })

  it.each(['openid-configuration', 'oauth-authorization-server'])('is metadata at %s', async (name) => {
    const service = await start({ algorithm: 'Ed25519' })
    const response = await fetch(`${service.url}/.well-known/${name}`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      issuer: service.url,
      jwks_uri: `${service.url}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ['Ed25519'],
    })
  })

  it('names the configured issuer if the service is reached by another URL', async () => {
    const service = await startWithPeople({ issuer: 'https://login.example' })
    expect(part(await tokenOf(service, 'ada'), 1)['iss']).toBe('https://login.example')
    const response = await fetch(`${service.url}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({ issuer: 'https://login.example' })
  })
})

describe('rotation', () => {
  it('publishes the new key beside the old one, and signs with it immediately if requested', async () => {
    const service = await startWithPeople()
    const [old] = await keyIds(service)
    const { kid } = await service.rotate()
    expect(await keyIds(service)).toEqual([old, kid])
    expect(part(await tokenOf(service, 'ada'), 0)['kid']).toBe(old)
    await service.rotate({ publishAhead: 0 })
    expect(part(await tokenOf(service, 'ada'), 0)['kid']).toBe(kid)
    expect(await keyIds(service)).toEqual([kid, old])
  })

  it('runs automatically on a timer', async () => {
    const service = await start({ rotateEverySeconds: 1 })
    await expect.poll(async () => (await keyIds(service)).length, { timeout: 10_000 }).toBe(2)
  })

  it.each([0, -1, Number.NaN, 2_000_001])('rejects an interval of %j seconds', async (rotateEverySeconds) => {
    await expect(startAuthService({ rotateEverySeconds })).rejects.toThrow(
      `"rotateEverySeconds" must be from 1 to 2000000, found ${rotateEverySeconds}`,
    )
  })
})

describe('an outage', () => {
  it('refuses connections, then resumes on the same port with the same keys and users', async () => {
    const service = await startWithPeople()
    const before = await keyIds(service)
    await service.pause()
    await service.pause()
    await expect(fetch(service.url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })

    await service.resume()
    await service.resume()
    expect(await keyIds(service)).toEqual(before)
    expect((await logIn(service, 'ada', passwordOf('ada'))).status).toBe(200)
  })

  it('closes a connection that is kept open', async () => {
    const service = await start()
    const dropped = new Promise<string | undefined>((resolve) => {
      const held = httpRequest(`${service.url}/api/v1/auth`, { method: 'POST', headers: { 'content-length': '9' } })
      held.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      held.once('socket', (socket) => socket.once('connect', () => held.write('{', () => void service.pause())))
    })
    expect(await dropped).toBe('ECONNRESET')
  })

  it('fails to start on a port that is in use, and leaves nothing open', async () => {
    const service = await start()
    const port = Number(new URL(service.url).port)
    await expect(startAuthService({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('releases the port if an option is wrong', async () => {
    const service = await start()
    const port = Number(new URL(service.url).port)
    await service.close()
    await expect(startAuthService({ port, ttl: 0 })).rejects.toThrow('Cannot create issuer: "ttl" must be')
    const again = await start({ port })
    expect(again.url).toBe(service.url)
  })
})

describe('a database file', () => {
  it('keeps users over a restart, and seeding does not change them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'auth-service-'))
    try {
      const database = join(folder, 'people.sqlite')
      await (await startWithPeople({ database })).close()
      const users = [{ userName: 'ada', password: 'another', role: 'reader' }] as const
      const service = await startWithPeople({ database, users })
      expect((await logIn(service, 'ada', 'another')).status).toBe(401)
      expect((await logIn(service, 'bob', passwordOf('bob'))).status).toBe(200)
      await service.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

// fetch answers 304 from its own cache, so node:http shows what was sent.
const statusWith = async (url: string, etag: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers: { 'if-none-match': etag } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.once('error', reject).end()
  })
