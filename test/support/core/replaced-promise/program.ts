// Verifies tokens after a library has replaced `Promise`, and prints the results as JSON. A separate process, because a test runner
// does not survive it.
import { createServer, get, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OwnPromise } from './own-promise.ts'

const [when = '', kind = ''] = process.argv.slice(2)
const Native = globalThis.Promise

const replace = (): void => {
  Object.defineProperty(globalThis, 'Promise', { value: OwnPromise, configurable: true, writable: true })
}
if (when === 'before the start') replace()
const { AuthError, createAuthenticator, createVerifier, scope } = await import('@claimgate/core')
const { denylist, createMemoryDenylist } = await import('@claimgate/core/denylist')
const { remoteKeySet } = await import('@claimgate/core/extend')
const { createNestedVerifier, decryptionKeys } = await import('@claimgate/core/jwe')
const { authenticateJwt, getAuth, requireScope } = await import('@claimgate/express')
const { claimgate } = await import('@claimgate/fastify')
const { createGate, protect } = await import('@claimgate/fetch')
const { createTestKeys } = await import('@claimgate/testing')
const { default: express } = await import('express')
const { default: fastify } = await import('fastify')
const { CompactEncrypt, generateKeyPair } = await import('jose')
if (when === 'after the start') replace()

/** The result of a hook of the application: its library's promise, or an object with only `then`. */
const later = (decide: () => unknown): never => {
  const settle = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
    setTimeout(() => {
      try {
        resolve(decide())
      } catch (error) {
        reject(error)
      }
    }, 1)
  }
  // oxlint-disable-next-line unicorn/no-thenable -- the subject of the test
  return (kind === 'thenables' ? { then: settle } : new OwnPromise(settle)) as never
}

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'
const keys = await createTestKeys('ES256')
const encryption = await generateKeyPair('ECDH-ES')
const now = Math.floor(Date.now() / 1000)
const claims = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'ada',
  jti: 'token-1',
  iat: now,
  exp: now + 600,
  scope: 'orders:read',
}
const token = await keys.sign(claims)
const bound = await keys.sign({ ...claims, cnf: { jkt: 'x' } })
const nameless = await keys.sign(claims, { kid: undefined })
const nested = await new CompactEncrypt(new TextEncoder().encode(token))
  .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
  .encrypt(encryption.publicKey)
const jwks = { keys: [keys.publicJwk] }
const base = { issuer: ISSUER, audience: AUDIENCE, jwks }

const refuse = (): never => {
  throw new AuthError('token_refused')
}
const broken = (): never => {
  throw new RangeError('broken')
}

/** Verifies each token twice, the second time from the cache: the answers and the events. */
async function answers(options: object, sent = token): Promise<string> {
  const told: string[] = []
  const onEvent = ({ type }: { readonly type: string }): void => {
    if (type.startsWith('token.')) told.push(type)
  }
  const verifier = createVerifier({ ...base, onEvent, ...options })
  const given: string[] = []
  for (let time = 0; time < 2; time += 1) given.push(await answer(() => verifier.verify(sent)))
  return [...given, ...told].join(', ')
}

async function answer(ask: () => unknown): Promise<string> {
  try {
    await ask()
    return 'verified'
  } catch (error) {
    return error instanceof AuthError ? error.code : String(error)
  }
}

const check = (decide: () => unknown): object => ({ checks: [{ name: 'own', check: () => later(decide) }] })
const source = (more: object): object => ({
  jwks: undefined,
  keys: { resolve: () => later(() => keys.publicKey), ...more },
})
const schema = (result: () => unknown): object => ({
  claims: { '~standard': { version: 1, vendor: 'own', validate: () => later(result) } },
})

/** Refuses only the second time, when the token is cached. */
function secondTime(): object {
  let calls = 0
  return check(() => (calls++ === 0 ? undefined : refuse()))
}

const wrongKey = (await createTestKeys('ES256', { generation: 2 })).publicKey
const store = createMemoryDenylist()
const slow = { find: (names: readonly string[]) => later(() => store.find(names)), add: store.add }
const denied = denylist({ store: slow })

const results: Record<string, string> = {
  'a check that accepts': await answers(check(() => undefined)),
  'a check that refuses': await answers(check(refuse)),
  'a check that refuses a remembered token': await answers(secondTime()),
  'a check that answers false': await answers(check(() => false)),
  'a check that breaks': await answers(check(broken)),
  'a schema that accepts': await answers(schema(() => ({ value: { sub: 'ada' } }))),
  'a schema that refuses': await answers(schema(() => ({ issues: [{ message: 'no' }] }))),
  'a schema that breaks': await answers(schema(broken)),
  'a key source': await answers(source({})),
  'a key source that refuses': await answers(
    source({
      resolve: () =>
        later(() => {
          throw new AuthError('key_not_found')
        }),
    }),
  ),
  'a key source that gives candidates': await answers(
    source({ candidates: () => later(() => [keys.publicKey]) }),
    nameless,
  ),
  'a key source with another key': await answers(
    source({ resolve: () => later(() => wrongKey), resolveAgain: () => later(() => undefined) }),
  ),
  'a key source with a newer key': await answers(
    source({ resolve: () => later(() => wrongKey), resolveAgain: () => later(() => keys.publicKey) }),
  ),
  'a denylist': await answers({ checks: [denied] }),
  'keys that are fetched': await answers({
    jwks: undefined,
    jwksUri: `${ISSUER}/jwks.json`,
    fetch: () => later(() => Response.json(jwks)),
    keySet: { store: { get: () => later(() => undefined), set: () => later(() => undefined) } },
  }),
  'keys of an address that answers 500': await answers({
    jwks: undefined,
    jwksUri: `${ISSUER}/jwks.json`,
    fetch: () =>
      later(() => ({
        status: 500,
        type: 'basic',
        redirected: false,
        headers: new Headers(),
        body: { cancel: () => later(broken) },
      })),
  }),
  'a key set that closes': await answer(async () => {
    const set = remoteKeySet(`${ISSUER}/jwks.json`, { fetch: () => later(() => Response.json(jwks)) })
    await set.ready?.()
    set.close?.()
  }),
}
await denied.denyToken({ claims })
results['a denied token'] = await answers({ checks: [denied] })

const resolver = async (decide: () => unknown): Promise<string> => {
  const told: string[] = []
  const onEvent = ({ type }: { readonly type: string }): void => void told.push(type)
  const verifier = createVerifier({ issuers: () => later(decide), onEvent, ...check(() => undefined) })
  return [await answer(() => verifier.verify(token)), await answer(() => verifier.verify(token)), ...told].join(', ')
}
results['a function for issuers'] = await resolver(() => base)
results['a function for issuers that knows none'] = await resolver(() => undefined)
results['a function for issuers that breaks'] = await resolver(broken)
results['an encrypted token'] = await answer(() =>
  createNestedVerifier({
    verifier: createVerifier({ ...base, ...secondTime() }),
    decryption: { keys: decryptionKeys({ privateKey: encryption.privateKey }) },
  }).verify(nested),
)
results['an explanation'] = String((await createVerifier({ ...base, ...check(refuse) }).explain(token)).code)

const view = (sent: string) => ({
  method: 'GET',
  target: '/',
  header: (name: string) => (name === 'authorization' ? [`Bearer ${sent}`] : []),
})
const outcome = async (options: object, sent = token): Promise<string> => {
  const made = await createAuthenticator(options as never).authenticate(view(sent))
  return made.kind === 'refused' ? made.error.code : made.kind
}
const binding = (decide: () => unknown): object => ({
  ...base,
  bindings: [{ confirmation: 'jkt', confirm: () => later(decide) }],
})
results['a binding that confirms'] = await outcome(
  binding(() => undefined),
  bound,
)
results['a binding that does not'] = await outcome(
  binding(() => {
    throw new AuthError('binding_failed')
  }),
  bound,
)
results['a verifier of the application'] = await outcome({
  verifier: { verify: () => later(() => ({ claims, header: {}, scopes: new Set(['a']) })) },
})
results['a verifier of the application that refuses'] = await outcome({ verifier: { verify: () => later(refuse) } })

const port = (listener: RequestListener): Promise<number> =>
  new Native((resolve) => {
    const server = createServer(listener)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
const statusAt = (to: number, path: string, sent = token): Promise<number> =>
  new Native((resolve, reject) => {
    const options = { host: '127.0.0.1', port: to, path, agent: false, headers: { authorization: `Bearer ${sent}` } }
    get(options, (answered) => {
      answered.resume()
      resolve(answered.statusCode ?? 0)
    }).on('error', reject)
  })

/** Twice each: a token that is accepted and then cached, and a requirement that is not met. */
const statuses = async (to: number): Promise<string> => {
  const found: number[] = []
  for (const path of ['/orders', '/orders', '/admin']) found.push(await statusAt(to, path))
  return found.join(', ')
}

for (const [name, options] of [
  ['accepts', check(() => undefined)],
  ['refuses', check(refuse)],
  ['refuses a remembered token', undefined],
] as const) {
  const rules = () => ({ ...base, ...(options ?? secondTime()) }) as never
  const app = express().use(authenticateJwt(rules()))
  app.get('/orders', (req, res) => void res.end(getAuth(req).claims.sub))
  app.get('/admin', requireScope('admin'), (_req, res) => void res.end())
  results[`Express, a check that ${name}`] = await statuses(await port(app))

  const gate = createGate(rules())
  const handlers = {
    '/orders': protect(gate, () => new Response('orders')),
    '/admin': protect(gate, () => new Response('admin'), scope('admin')),
  }
  results[`a gate, a check that ${name}`] = await statuses(
    await port((req, res) => {
      const path = req.url === '/admin' ? '/admin' : '/orders'
      const { authorization = '' } = req.headers
      const request = new Request(`http://127.0.0.1${path}`, { headers: { authorization } })
      Native.resolve(handlers[path](request)).then(
        ({ status }) => res.writeHead(status).end(),
        () => res.writeHead(500).end(),
      )
    }),
  )

  const server = fastify()
  // With a callback, because a promise of Fastify would be of the library's kind.
  server.register(claimgate, { ...(rules() as object), log: false } as never)
  server.get('/orders', (request) => request.auth?.claims.sub)
  server.get('/admin', { config: { auth: scope('admin') } }, () => 'admin')
  await new Native<void>((resolve, reject) => {
    server.listen({ port: 0, host: '127.0.0.1' }, (error) => (error === null ? resolve() : reject(error)))
  })
  results[`Fastify, a check that ${name}`] = await statuses((server.server.address() as AddressInfo).port)
}

const isReplaced = globalThis.Promise !== Native && !(((async () => {})() as unknown) instanceof Promise)
process.stdout.write(JSON.stringify({ isReplaced, results }), () => process.exit(0))
