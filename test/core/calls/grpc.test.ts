// With a stand-in for the library; test/recipes/grpc.test.ts runs its servers and clients.
import { scope } from '@claimgate/core'
import { grpcAuthentication, type GrpcMethods } from '@claimgate/core/calls'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'

const key = await createTestKeys('RS256')
const policy = { issuer: 'https://auth.example.com', audience: 'orders-api', jwks: { keys: [key.publicJwk] } }
const METHODS: GrpcMethods = {
  '/shop.Orders/Watch': scope('orders:read'),
  '/shop.Orders/Any': 'token',
  '/h.H/Check': 'nothing',
}
let clock = createTestClock()
beforeEach(() => {
  clock = createTestClock()
})

interface Status {
  readonly code: number
  readonly details: string
  readonly metadata: Readonly<Record<string, string>> | null
}
interface Metadata {
  get(name: string): readonly string[]
}
interface Listener {
  onReceiveMetadata(metadata: Metadata): void
  onReceiveMessage(message: unknown): void
  onReceiveHalfClose(): void
  onCancel(): void
}
interface Responder {
  start(
    next: (listener: {
      onReceiveMetadata(metadata: Metadata, next: (given: Metadata) => void): void
      onCancel(): void
    }) => void,
  ): void
  sendStatus(status: Status, next: (status: Status) => void): void
}
interface Transport {
  start(listener: Listener): void
  sendStatus(status: Status): void
}

/** Connects an interceptor to the next call, as the class of the library does. */
class ServerInterceptingCall {
  readonly call: Transport
  readonly responder: Responder
  constructor(call: Transport, responder: Responder) {
    this.call = call
    this.responder = responder
  }
  start(listener: Listener): void {
    this.responder.start((own) =>
      this.call.start({
        onReceiveMetadata: (metadata) => own.onReceiveMetadata(metadata, (given) => listener.onReceiveMetadata(given)),
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => listener.onReceiveHalfClose(),
        onCancel: () => {
          own.onCancel()
          listener.onCancel()
        },
      }),
    )
  }
  sendStatus(status: Status): void {
    this.responder.sendStatus(status, (given) => this.call.sendStatus(given))
  }
}
const grpc = { ServerInterceptingCall, Metadata: { fromHttp2Headers: (headers: object) => headers } }

async function called(path: string, claims?: object, handle: (metadata: object) => void = () => {}) {
  const now = clock.now() / 1000
  const { issuer: iss, audience: aud } = policy
  const token = await key.sign({ iss, aud, sub: 'ada', iat: now, exp: now + 600, scope: 'orders:read', ...claims })
  const authorization = claims === undefined ? [] : [`Bearer ${token}`]
  const metadata: Metadata = { get: (name) => (name === 'authorization' ? authorization : []) }
  const authentication = grpcAuthentication({ ...policy, clock }, grpc as never, METHODS)
  const sendStatus = vi.fn<(status: Status) => void>()
  let transport: Listener | undefined
  const start = (listener: Listener): void => {
    transport = listener
  }
  const call = authentication.interceptor({ path }, { start, sendStatus }) as ServerInterceptingCall
  const onReceiveMetadata = vi.fn<(given: object) => void>(handle)
  const onCancel = vi.fn<() => void>()
  const onReceiveMessage = vi.fn<(message: unknown) => void>()
  const onReceiveHalfClose = vi.fn<() => void>()
  call.start({ onReceiveMetadata, onReceiveMessage, onReceiveHalfClose, onCancel })
  transport?.onReceiveMetadata(metadata)
  const settled = (): Promise<void> =>
    vi.waitFor(() => expect(onReceiveMetadata.mock.calls.length + sendStatus.mock.calls.length).toBeGreaterThan(0))
  return {
    authentication,
    transport,
    onReceiveMessage,
    onReceiveHalfClose,
    call,
    metadata,
    sendStatus,
    onReceiveMetadata,
    onCancel,
    settled,
    cancel: () => transport?.onCancel(),
  }
}

describe('a call of gRPC', () => {
  it('reaches its handler, which gets the token', async () => {
    const { authentication, metadata, onReceiveMetadata, sendStatus, settled } = await called('/shop.Orders/Watch', {})
    await settled()
    expect(onReceiveMetadata).toHaveBeenCalledExactlyOnceWith(metadata)
    expect(authentication.getAuth({ metadata }).claims.sub).toBe('ada')
    expect(sendStatus).not.toHaveBeenCalled()
  })

  it('passes on what its client sends', async () => {
    const { transport, onReceiveMessage, onReceiveHalfClose } = await called('/h.H/Check')
    transport?.onReceiveMessage('message')
    transport?.onReceiveHalfClose()
    expect(onReceiveMessage).toHaveBeenCalledExactlyOnceWith('message')
    expect(onReceiveHalfClose).toHaveBeenCalledTimes(1)
  })

  it('needs nothing if the list says so, and then has no token', async () => {
    const { authentication, metadata, onReceiveMetadata } = await called('/h.H/Check')
    expect(onReceiveMetadata).toHaveBeenCalledExactlyOnceWith(metadata)
    expect(() => authentication.getAuth({ metadata })).toThrow('has not admitted this call with a token')
  })

  it.each<[string, string, object | undefined, number, string | undefined]>([
    ['no token', '/shop.Orders/Watch', undefined, 16, 'Bearer realm="api", scope="orders:read"'],
    ['no token, and any would do', '/shop.Orders/Any', undefined, 16, 'Bearer realm="api"'],
    ['an expired token', '/shop.Orders/Any', { exp: 1_600_000_000 }, 16, expect.stringContaining('"invalid_token"')],
    ['a missing scope', '/shop.Orders/Watch', { scope: 'x' }, 7, expect.stringContaining('scope="orders:read"')],
    ['a method that is not listed', '/shop.Orders/Delete', {}, 13, undefined],
    ['a method of Object.prototype', 'toString', {}, 13, undefined],
  ])('is refused: %s', async (_, path, claims, code, challenge) => {
    const { sendStatus, onReceiveMetadata, settled } = await called(path, claims)
    await settled()
    expect(sendStatus).toHaveBeenCalledTimes(1)
    expect(sendStatus.mock.calls[0]?.[0]).toMatchObject({ code })
    expect(sendStatus.mock.calls[0]?.[0].metadata?.['www-authenticate']).toEqual(challenge)
    if (code === 13) expect(sendStatus.mock.calls[0]?.[0].details).toBe('This method has no requirement')
    expect(onReceiveMetadata).not.toHaveBeenCalled()
  })

  it('ends at the expiry of its token, and its handler learns it at once', async () => {
    const { sendStatus, onCancel, cancel, settled } = await called('/shop.Orders/Watch', {})
    await settled()
    await clock.advanceAsync(599_999)
    expect(sendStatus).not.toHaveBeenCalled()
    await clock.advanceAsync(1)
    await vi.waitFor(() => expect(sendStatus).toHaveBeenCalledTimes(1))
    expect(sendStatus.mock.calls[0]?.[0]).toMatchObject({ code: 16 })
    expect(onCancel).toHaveBeenCalledTimes(1)
    cancel()
    expect(onCancel).toHaveBeenCalledTimes(1)
    expect(clock.pending()).toBe(0)
  })

  it.each(['by its handler', 'by its client'])('keeps no timer after its end: %s', async (which) => {
    const { call, cancel, sendStatus, settled } = await called('/shop.Orders/Watch', {})
    await settled()
    if (which === 'by its client') cancel()
    else call.sendStatus({ code: 0, details: 'OK', metadata: null })
    expect(clock.pending()).toBe(0)
    await clock.advanceAsync(700_000)
    expect(sendStatus).toHaveBeenCalledTimes(which === 'by its client' ? 0 : 1)
  })

  it('does not reach its handler if its client has gone meanwhile', async () => {
    const { cancel, onReceiveMetadata, sendStatus } = await called('/shop.Orders/Watch', {})
    cancel()
    await called('/shop.Orders/Watch', {}).then(({ settled }) => settled())
    expect([onReceiveMetadata.mock.calls.length, sendStatus.mock.calls.length, clock.pending()]).toEqual([0, 0, 1])
  })

  it('gets no status if it is refused after its client has gone', async () => {
    const { cancel, onCancel, sendStatus } = await called('/shop.Orders/Watch')
    cancel()
    await called('/shop.Orders/Watch').then(({ settled }) => settled())
    expect([sendStatus.mock.calls.length, onCancel.mock.calls.length]).toEqual([0, 1])
  })

  it('ends with INTERNAL and fixed text if its handler cannot start', async () => {
    const { sendStatus } = await called('/shop.Orders/Watch', {}, () => {
      throw new Error('secret detail')
    })
    await vi.waitFor(() => expect(sendStatus).toHaveBeenCalledTimes(1))
    expect(sendStatus.mock.calls[0]?.[0]).toMatchObject({ code: 13, details: 'The call could not be authorized' })
    expect(clock.pending()).toBe(0)
  })

  it('does not end the process if its status cannot be sent', async () => {
    const { sendStatus, settled } = await called('/shop.Orders/Watch')
    sendStatus.mockImplementation(() => {
      throw new Error('closed')
    })
    await settled()
    await clock.advanceAsync(0)
    expect(sendStatus).toHaveBeenCalledTimes(1)
  })
})

it.each<[unknown, string]>([
  [undefined, 'give what each method needs'],
  [{ 'shop.Orders/Get': 'token' }, 'with a slash before each part'],
  [{ 'dns:/shop.Orders/Get': 'token' }, 'with a slash before each part'],
  [{ '/shop.Orders/Get/': 'token' }, 'with a slash before each part'],
  [{ '/shop.Orders/Get': 'orders:read' }, 'must need a requirement, "token" or "nothing"'],
  [{ '/shop.Orders/Get': undefined }, 'must need a requirement, "token" or "nothing"'],
])('reports wrong lists at start-up: %j', (methods, message) => {
  expect(() => grpcAuthentication(policy, grpc as never, methods as GrpcMethods)).toThrow(message)
})
