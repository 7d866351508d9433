import { type Binding, createVerifier } from '@claimgate/core'
import { claimgate, type OnReject } from '@claimgate/fastify'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const verifier = createVerifier(authority.options)
const fails = (): never => {
  throw new RangeError('a bug')
}

const create = (options: FastifyServerOptions = {}): FastifyInstance => {
  const app = fastify(options) as unknown as FastifyInstance
  onTestFinished(async () => {
    app.server.closeAllConnections()
    await app.close()
  })
  return app
}

const logged = () => {
  const lines: (readonly [string, unknown])[] = []
  const write = (line: string): void => {
    const { msg, err } = JSON.parse(line) as { readonly msg: string; readonly err?: { readonly message: string } }
    lines.push([msg, err?.message])
  }
  return { lines, app: create({ logger: { level: 'error', stream: { write } } }) }
}

const protect = async (app: FastifyInstance, options: object): Promise<void> => {
  await app.register(claimgate, { verifier, ...options })
  app.get('/orders', async () => 'served')
}

describe('an onReject in Fastify that fails', () => {
  it('before its answer is left to the error handler, and not logged', async () => {
    const { app, lines } = logged()
    app.addHook('onSend', () => turn())
    app.setErrorHandler((_error, _request, reply) => reply.send('error handler'))
    await protect(app, { onReject: fails })
    const refused = await app.inject('/orders')
    expect([refused.statusCode, refused.body, lines]).toEqual([500, 'error handler', []])
  })

  it.each<readonly [string, OnReject]>([
    [
      'throws',
      (_refusal, _request, reply) => {
        reply.code(418).send('own')
        fails()
      },
    ],
    [
      'rejects',
      async (_refusal, _request, reply) => {
        void reply.code(418).send('own')
        fails()
      },
    ],
    [
      'throws the refusal',
      ({ error }, _request, reply) => {
        reply.code(418).send('own')
        throw error
      },
    ],
  ])('after its answer, and %s, is logged, and the answer stays', async (name, onReject) => {
    const { app, lines } = logged()
    app.addHook('onSend', () => turn())
    await protect(app, { onReject })
    const refused = await app.inject('/orders')
    expect([refused.statusCode, refused.body]).toEqual([418, 'own'])
    const message = name === 'throws the refusal' ? 'Request refused: The request carries no access token' : 'a bug'
    expect(lines).toEqual([['onReject failed after it had answered', message]])
  })

  it('after a part of its answer is logged, and the connection ends', async () => {
    const { app, lines } = logged()
    await protect(app, { onReject: ((_refusal, _request, { raw }) => raw.write('half') && fails()) as OnReject })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    await expect(fetch(`http://127.0.0.1:${port}/orders`).then((response) => response.text())).rejects.toThrow(
      /terminated|fetch failed/,
    )
    expect(lines).toEqual([['The hook failed after the request was answered', 'a bug']])
  })

  it('after a whole answer leaves the connection open', async () => {
    const { app, lines } = logged()
    await protect(app, {
      onReject: ((_refusal, _request, { raw }) => {
        raw.writeHead(418).end('own')
        fails()
      }) as OnReject,
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/orders`)
    expect([response.status, await response.text()]).toEqual([418, 'own'])
    expect(lines).toEqual([['The hook failed after the request was answered', 'a bug']])
  })

  it.each([
    ['throws', fails],
    ['rejects', async () => fails()],
  ])('is answered, even if the log %s', async (_, error) => {
    const [quiet, log] = [() => {}, { level: 'error' }]
    const levels = { fatal: fails, error, warn: quiet, info: quiet, debug: quiet, trace: quiet, silent: quiet }
    const app = create({ loggerInstance: Object.assign(log, levels, { child: () => log }) as never })
    app.addHook('onSend', () => turn())
    await protect(app, {
      onReject: (async (_refusal, _request, reply) => {
        void reply.code(418).send('own')
        fails()
      }) as OnReject,
    })
    const refused = await app.inject('/orders')
    expect([refused.statusCode, refused.body]).toEqual([418, 'own'])
  })

  it.each([
    [undefined, 500],
    [302, 500],
    [399, 500],
    [400, 400],
    [418, 418],
  ])('with the status %s has status %s, if the error handler sets none', async (set, status) => {
    const app = create()
    app.setErrorHandler((_error, _request, reply) => reply.send('error handler'))
    await protect(app, {
      onReject: ((_refusal, _request, reply) => {
        if (set !== undefined) reply.code(set)
        fails()
      }) as OnReject,
    })
    const refused = await app.inject('/orders')
    expect([refused.statusCode, refused.body]).toEqual([status, 'error handler'])
  })
})

describe('an onReject in Fastify', () => {
  it('is not called for a request that another hook has answered', async () => {
    const app = create()
    const onReject = vi.fn<OnReject>()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.hijack().raw.end('own')
      done()
    })
    await protect(app, { onReject })
    expect((await app.inject('/orders')).body).toBe('own')
    await turn()
    expect(onReject).not.toHaveBeenCalled()
  })

  it.each([
    ['nothing', undefined, []],
    ['a body', 'own', ['own']],
  ])('that returns %s after the connection has ended sends only what it has returned', async (_, body, expected) => {
    const app = create()
    const sent: unknown[] = []
    app.addHook('onSend', async (_request, _reply, payload) => void sent.push(payload))
    const ended = new Promise<void>((resolve) => {
      const onReject: OnReject = async (_refusal, _request, reply) => {
        reply.raw.destroy()
        setTimeout(resolve, 20)
        return body
      }
      app.register(claimgate, { verifier, onReject })
    })
    app.get('/orders', async () => 'served')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    await expect(fetch(`http://127.0.0.1:${port}/orders`)).rejects.toThrow('fetch failed')
    await ended
    expect(sent).toEqual(expected)
  })
})

describe('a refusal in Fastify', () => {
  it('is sent before the time of a handler is over', async () => {
    const app = create()
    await app.register(claimgate, { verifier })
    app.get('/orders', { handlerTimeout: 5000 }, async () => 'served')
    expect((await app.inject('/orders')).statusCode).toBe(401)
  })

  it.each([
    ['by default', undefined],
    ['with an onReject that answers nothing', async () => undefined],
  ])('is not sent to a stream of HTTP/2 that has ended: %s', async (_, onReject) => {
    const app = create()
    const sent: unknown[] = []
    const ends: (() => unknown)[] = []
    app.addHook('onRequest', async (_request, { raw }) => {
      Object.defineProperty(raw, 'stream', { value: { destroyed: true } })
      ends.push(() => raw.end())
    })
    app.addHook('onSend', async (_request, _reply, payload) => void sent.push(payload))
    await protect(app, { onReject })
    const answer = app.inject('/orders')
    await expect.poll(() => ends.length).toBe(1)
    for (let count = 0; count < 5; count += 1) await turn()
    expect(sent).toEqual([])
    for (const end of ends) end()
    expect((await answer).body).toBe('')
  })
})

describe('a refusal in Fastify that cannot be sent', () => {
  it.each<readonly [string, OnReject | undefined]>([
    ['the default answer', undefined],
    ['the answer if onReject does nothing', () => undefined],
    ['the body of onReject', () => 'own'],
    ['the later body of onReject', async () => ({ own: true })],
  ])('reaches the error handler, and no route: %s', async (_, onReject) => {
    const app = create()
    let failing = true
    const errors: unknown[] = []
    app.addHook('onRequest', async (_request, reply) => {
      const { send } = reply
      reply.send = (payload?: unknown) => {
        if (failing) {
          failing = false
          throw new RangeError('cannot be sent')
        }
        return send.call(reply, payload)
      }
    })
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error)
      return reply.send('error handler')
    })
    await protect(app, { onReject })
    const refused = await app.inject('/orders')
    expect([refused.statusCode >= 400, refused.body]).toEqual([true, 'error handler'])
    expect(errors).toEqual([new RangeError('cannot be sent')])
  })
})

describe('a request that Fastify admits', () => {
  it('exposes headers of bindings beside those that CORS has exposed', async () => {
    const binding: Binding = {
      confirmation: 'jkt',
      confirm: async () => ({ headers: { 'access-control-expose-headers': 'dpop-nonce' } }),
    }
    const app = create()
    app.addHook('onRequest', async (_request, reply) => void reply.header('access-control-expose-headers', 'x-total'))
    await protect(app, { verifier, bindings: [binding] })
    const headers = await authority.authorization({ cnf: { jkt: 'thumbprint' } })
    const answer = await app.inject({ url: '/orders', headers })
    expect([answer.body, answer.headers['access-control-expose-headers']]).toEqual(['served', 'x-total, dpop-nonce'])
  })

  it.each([
    ['the token, of a rule', {}, 'alice'],
    ['the token, of a function', { auth: () => ({ description: 'any', scopes: [], isMet: () => true }) }, 'alice'],
  ])('has in its property %s', async (_, config, expected) => {
    const app = create()
    await app.register(claimgate, { verifier, property: 'caller' })
    app.get('/orders', { config }, (request) => {
      const { caller } = request as unknown as { readonly caller?: { readonly claims: { readonly sub: string } } }
      return caller?.claims.sub ?? 'anonymous'
    })
    const answer = await app.inject({ url: '/orders', headers: await authority.authorization() })
    expect(answer.body).toBe(expected)
  })
})
