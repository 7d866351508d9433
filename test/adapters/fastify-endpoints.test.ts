import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { protectedResource } from '@claimgate/core/metadata'
import { backchannelLogout, resourceMetadata, securityEvents } from '@claimgate/fastify'
import { createTestClock } from '@claimgate/testing'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { FORM } from '../support/revocation/world.ts'

const authority = await createAuthority()
const ISSUED = { issuer: authority.options.issuer, jwks: authority.options.jwks }
const RESOURCE = 'https://api.example.com/orders'
const ENDPOINTS = { backchannelLogout, securityEvents }
const PATH = '/.well-known/oauth-protected-resource/orders'

const start = (options: FastifyServerOptions = {}) => {
  const clock = createTestClock()
  const app = fastify(options) as unknown as FastifyInstance
  const denied = denylist({ store: createMemoryDenylist() })
  app.register(backchannelLogout({ ...ISSUED, denylist: denied, clientId: 'shop', clock }), {
    prefix: '/logout',
  })
  onTestFinished(async () => {
    app.server.closeAllConnections()
    await app.close()
  })
  const post = async (body: BodyInit): Promise<Response> => {
    if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const init = { method: 'POST', headers: { 'content-type': FORM }, body, duplex: 'half' }
    return fetch(`http://127.0.0.1:${port}/logout`, init)
  }
  return { app, clock, post }
}

const endless = () => new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) })

describe('an endpoint of revocations in Fastify', () => {
  it.each([
    ['too large', `a=${'a'.repeat(70_000)}`, 413, 'close'],
    ['no logout token', 'a=b', 400, 'keep-alive'],
  ])('closes the connection only if the rest of the body was not read: %s', async (_, body, status, connection) => {
    const response = await start().post(body)
    expect([response.status, response.headers.get('connection')]).toEqual([status, connection])
  })

  it('closes the connection of a body that does not end', async () => {
    const { clock, post } = start()
    const answer = post(endless())
    await expect.poll(() => clock.pending()).toBe(1)
    clock.advance(5000)
    const response = await answer
    expect([response.status, response.headers.get('connection')]).toEqual([408, 'close'])
  })

  it('leaves the connection of HTTP/2 open', async () => {
    const { app, post } = start()
    app.addHook('onRequest', async ({ raw }) => void Object.defineProperty(raw, 'httpVersionMajor', { value: 2 }))
    const response = await post(`a=${'a'.repeat(70_000)}`)
    expect([response.status, response.headers.get('connection')]).toEqual([413, 'keep-alive'])
  })

  it('does not answer again once Fastify has answered, because the time of a handler is over', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }
    const { clock, post } = start({ handlerTimeout: 20, logger: { level: 'warn', stream } })
    expect((await post(endless())).status).toBe(503)
    const before = lines.length
    clock.advance(5000)
    await turn()
    await turn()
    expect(lines.slice(before)).toEqual([])
  })

  it.each(['backchannelLogout', 'securityEvents'] as const)('%s passed uncalled says what to write', async (name) => {
    const app = fastify().register(ENDPOINTS[name] as never)
    await expect(app.ready()).rejects.toThrow(
      new TypeError(`${name} was passed uncalled: write app.register(${name}({ … }), { prefix: '/path' })`),
    )
  })

  it.each([undefined, null, 'options'])('is refused if it has %s for options', (given) => {
    for (const name of ['backchannelLogout', 'securityEvents'] as const)
      expect(() => ENDPOINTS[name](given as never)).toThrow(TypeError)
  })
})

describe('metadata of resources in Fastify', () => {
  const ready = async (...resources: readonly string[]): Promise<unknown> => {
    const served = resources.map((resource) => protectedResource({ resource }))
    const app = fastify().register(resourceMetadata(...served))
    onTestFinished(() => app.close())
    return app.ready()
  }

  it.each([
    ['neither has a query', [RESOURCE, RESOURCE]],
    ['only the first one has a query', [`${RESOURCE}?a=b`, RESOURCE]],
    ['only the last one has a query', [RESOURCE, `${RESOURCE}?a=b`]],
  ])('refuses two resources at one address, if %s', async (_, resources) => {
    await expect(ready(...resources)).rejects.toThrow(
      `Cannot serve metadata: two resources have their metadata at the same address, found "${PATH}"`,
    )
  })

  it('refuses an address that is never found, and names it', async () => {
    await expect(ready('https://api.example.com/a%2Fb')).rejects.toThrow(
      'Cannot serve metadata: give a resource or a "path" without escaped delimiters such as "%2F", found "/.well-known/',
    )
  })

  it('is for Fastify 5', () => {
    const plugin = resourceMetadata(protectedResource({ resource: RESOURCE }))
    expect(Reflect.get(plugin, Symbol.for('plugin-meta'))).toMatchObject({ fastify: '5.x' })
  })

  it('may have a colon in its address', async () => {
    const app = fastify().register(resourceMetadata(protectedResource({ resource: 'https://api.example.com/a:b' })))
    onTestFinished(() => app.close())
    const at = '/.well-known/oauth-protected-resource'
    const statusOf = async (url: string): Promise<number> => (await app.inject(url)).statusCode
    expect([await statusOf(`${at}/a:b`), await statusOf(`${at}/ab`), await statusOf(`${at}/ac`)]).toEqual([
      200, 404, 404,
    ])
  })

  it('answers without a body, and without the type of one, if the client has the document', async () => {
    const app = fastify().register(resourceMetadata(protectedResource({ resource: RESOURCE })))
    onTestFinished(() => app.close())
    const { etag = '' } = (await app.inject(PATH)).headers
    const current = await app.inject({ url: PATH, headers: { 'if-none-match': etag } })
    expect([current.statusCode, current.body, current.headers['content-type']]).toEqual([304, '', undefined])
    const head = await app.inject({ url: PATH, method: 'HEAD' })
    expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'application/json'])
  })

  it.each([
    ['backchannelLogout', backchannelLogout, "backchannelLogout({ … }), { prefix: '/path' }"],
    ['resourceMetadata', resourceMetadata, 'resourceMetadata(resource)'],
    ['securityEvents', securityEvents, "securityEvents({ … }), { prefix: '/path' }"],
  ])('%s passed uncalled stops the start and says what to write', async (name, uncalled, call) => {
    const app = fastify().register(uncalled as never)
    await expect(app.ready()).rejects.toThrow(new TypeError(`${name} was passed uncalled: write app.register(${call})`))
  })
})
