import { AuthError, type AuthenticatorOptions, createVerifier, type Requirement, scope } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Milliseconds that keys, stores and hooks take, so that a client can disconnect during that time. */
export const WAIT = 15

export const later = (milliseconds = WAIT): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/** The state of a request, as the server sees it. */
export type Stage = 'arrived' | 'keys' | 'sending'

/** The behaviour of a hook of the application in one request. */
export interface RequestStory {
  readonly id: string
  readonly fail: () => unknown
}

/** The shared state of servers and clients in the suite: which requests were served, and the state of each. */
export interface World {
  /** The requests that reached a handler. */
  readonly served: Set<string>
  readonly stories: AsyncLocalStorage<RequestStory>
  /** How the hooks of a request fail, by its id. */
  readonly failures: Map<string, () => unknown>
  reach(id: string, stage: Stage): void
  /** Resolves when the server has reached this state of the request. */
  reached(id: string, stage: Stage): Promise<void>
  /** Protects with a slow key source. */
  readonly options: AuthenticatorOptions
  readonly requirement: Requirement
  /** Protects with the keys of a slow server, which fails in the end if it is `dead`. */
  slowKeys(state: 'alive' | 'dead'): AuthenticatorOptions
  /** The requests that reach `keys` when the server of keys is called. */
  readonly waitForKeys: Set<string>
  close(): Promise<void>
  /** A token that the resource refuses or accepts after the wait for its key; each has a new key ID, unless one is given. */
  token(id: string, kind: TokenKind, keyId?: string): Promise<string>
}

export type TokenKind = 'good' | 'without the scope' | 'forged' | 'of keys that are unavailable' | 'of an unknown key'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'https://api.example.com'
const UNAVAILABLE = 'unavailable '

/** The only key of the key server. */
export const SLOW_KEY = 'slow'

export async function createWorld(): Promise<World> {
  const [keys, others] = await Promise.all([
    createTestKeys('ES256', { kid: SLOW_KEY }),
    createTestKeys('ES256', { kid: SLOW_KEY, generation: 1 }),
  ])
  const waitForKeys = new Set<string>()
  const keyServer = createServer((req, res) => {
    for (const id of waitForKeys) reach(id, 'keys')
    setTimeout(() => {
      if (req.url === '/dead') res.writeHead(500).end()
      else res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [keys.publicJwk] }))
    }, 150)
  })
  await new Promise<void>((resolve) => {
    keyServer.listen(0, '127.0.0.1', resolve)
  })
  const { port } = keyServer.address() as AddressInfo
  const waiting = new Map<string, { readonly promise: Promise<void>; readonly resolve: () => void }>()
  const mark = (id: string, stage: Stage) => {
    const name = `${stage} ${id}`
    const known = waiting.get(name)
    if (known !== undefined) return known
    const made = Promise.withResolvers<void>()
    waiting.set(name, made)
    return made
  }
  const reach: World['reach'] = (id, stage) => mark(id, stage).resolve()

  const resolve = async ({ kid }: { readonly kid?: string }): Promise<CryptoKey> => {
    reach(String(kid).replace(UNAVAILABLE, ''), 'keys')
    await later()
    if (kid?.startsWith(UNAVAILABLE)) throw new AuthError('keys_unavailable', { retryAfter: 7 })
    return keys.publicKey
  }
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], keys: { resolve } })

  return {
    served: new Set(),
    stories: new AsyncLocalStorage(),
    failures: new Map(),
    reach,
    reached: (id, stage) => mark(id, stage).promise,
    options: { verifier },
    requirement: scope('orders:write'),
    slowKeys: (state) => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ['ES256'],
      jwksUri: `http://127.0.0.1:${port}/${state}`,
    }),
    waitForKeys,
    close: async () => {
      keyServer.close()
      keyServer.closeAllConnections()
      await once(keyServer, 'close')
    },
    token: (id, kind, keyId = id) => {
      const now = Math.floor(Date.now() / 1000)
      // A token that is newer than the keys waits for newer keys.
      const iat = kind === 'of an unknown key' ? now - 3600 : now
      const granted = kind === 'without the scope' ? 'orders:read' : 'orders:write'
      const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat, exp: now + 600, scope: granted }
      const kid = kind === 'of keys that are unavailable' ? `${UNAVAILABLE}${id}` : keyId
      return (kind === 'forged' ? others : keys).sign(claims, { kid })
    },
  }
}

/** The behaviour of a request, by the header that the suite sends. */
export function storyOf(world: World, id: unknown): RequestStory {
  const name = String(id)
  return { id: name, fail: world.failures.get(name) ?? (() => undefined) }
}

/** Fails as the request requires whose authentication is in progress. */
export const failAsTold = (world: World) => (): unknown => world.stories.getStore()?.fail()

/** The routes of each server, and what surrounds the refusals there. */
export const SITUATIONS = ['plain', 'waiting', 'stream', 'session', 'later', 'failing', 'sent-and-failing'] as const
/** Specific to one framework: an earlier hook that continues twice (Fastify), a file that is a directory (Express). */
export type Situation = (typeof SITUATIONS)[number] | 'twice' | 'directory'

/** Sent in two parts. */
export async function* slowBody(): AsyncGenerator<string> {
  yield 'no '
  await later()
  yield 'entry'
}

export const CASE_HEADER = 'x-case'
