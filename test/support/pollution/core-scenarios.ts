import {
  allOf,
  anyOf,
  authorizationDetails,
  claim,
  createAuthenticator,
  createVerifier,
  optionsFromEnv,
  type RequestView,
  type Requirement,
  scope,
  stepUp,
  type TokenCheck,
  type Verifier,
  type VerifierOptions,
  verify,
} from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import {
  admittedToken,
  bare,
  createMemoryJwkSetStore,
  type JwkSetSeed,
  remoteKeySet,
  readAdapterOptions,
  verifyJws,
} from '@claimgate/core/extend'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import * as valibot from 'valibot'
import { z } from 'zod'
import { AUDIENCE, CLIENT, ISSUER } from './hostile.ts'
import { type Ask, outcome, type Scenario, stringify } from './scenario.ts'
import { GOOD, type Made } from './tokens.ts'

const JWKS_URI = `${ISSUER}/jwks.json`

/** The answers of core: verifiers with every kind of key, authenticators, denylists, encrypted tokens, fetched keys. */
export function coreScenarios({ keys, attacker, encryption, tokens, nested }: Made): readonly Scenario[] {
  const jwks = { keys: [keys.publicJwk] }
  const gone = attacker.publicJwk
  const texts = { set: JSON.stringify(jwks), metadata: JSON.stringify({ issuer: ISSUER, jwks_uri: JWKS_URI }) }
  const fetched: string[] = []
  const fetch = async (url: string, init: object): Promise<Response> => {
    fetched.push(url)
    if (Object.keys(init).length > 4) throw new TypeError('more than four members')
    if (url === JWKS_URI) return response(200, texts.set)
    return url.startsWith(ISSUER) ? response(200, texts.metadata) : response(404, '')
  }

  const allTokens = async (verifier: Pick<Verifier, 'verify'>): Promise<Record<string, string>> => {
    const answers: Record<string, string> = {}
    for (const [name, token] of Object.entries(tokens)) answers[name] = await verified(verifier, token)
    answers['good, again'] = await verified(verifier, tokens.good)
    return answers
  }

  const verifierOf = (name: string, options: () => VerifierOptions): Scenario => ({
    name,
    start: () => {
      const verifier = createVerifier(options())
      return () => allTokens(verifier)
    },
  })

  return [
    { ...verifierOf('keys given', () => ({ issuer: ISSUER, audience: AUDIENCE, jwks })), triesForeign: true },
    verifierOf('nothing remembered', () => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks,
      tokenCache: false,
      limits: {},
    })),
    verifierOf('a list of issuers', () => ({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwks }] })),
    verifierOf('any issuer and audience', () => ({ issuer: null, audience: null, jwks, clientId: CLIENT })),
    verifierOf('a public key', () => ({ issuer: ISSUER, audience: AUDIENCE, publicKey: keys.publicPem })),
    verifierOf('a secret', () => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      secret: 'a secret of more than 32 characters',
    })),
    verifierOf('a key source', () => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: { resolve: async () => keys.publicKey },
    })),
    verifierOf('discovery', () => ({ issuer: ISSUER, audience: AUDIENCE, fetch })),
    verifierOf('an address', () => ({ issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS_URI, fetch, keySet: {} })),
    verifierOf('a function for issuers', () => ({
      fetch,
      issuers: async (iss) => (iss === ISSUER ? { issuer: ISSUER, audience: AUDIENCE } : undefined),
    })),
    verifierOf('many rules', () => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks,
      requiredClaims: { tenant: 'acme' },
      maxAge: 7200,
      maxLifetime: 7200,
    })),
    verifierOf('a profile', () => ({ issuer: ISSUER, audience: AUDIENCE, jwks, profile: 'rfc9068' })),
    {
      ...verifierOf('a schema of zod', () => ({
        issuer: ISSUER,
        audience: AUDIENCE,
        jwks,
        claims: z.object({ tenant: z.string() }),
      })),
      // It reads its own member named `checks`, which is also the name of an option.
      mayBreak: true,
    },
    {
      ...verifierOf('a schema of valibot', () => ({
        issuer: ISSUER,
        audience: AUDIENCE,
        jwks,
        claims: valibot.object({ sub: valibot.string(), tenant: valibot.optional(valibot.string(), 'none') }),
      })),
      // It reads members of its schemas.
      mayBreak: true,
    },
    verifierOf('a check and a predicate', () => ({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks,
      checks: [onlyUsers],
      requiredClaims: { sub: (sub) => sub === 'user-1' },
    })),
    {
      name: 'a call without a verifier',
      // A new object each time, so that every call is the first.
      start: () => async () => ({
        good: await outcome(async () =>
          accepted(await verify(tokens.good, { issuer: ISSUER, audience: AUDIENCE, fetch })),
        ),
        attacker: await outcome(async () =>
          accepted(await verify(tokens['of the attacker'], { issuer: ISSUER, audience: AUDIENCE, fetch })),
        ),
      }),
    },
    {
      name: 'contexts',
      start: () => {
        const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks })
        return async () => ({
          expired: await verified(verifier, tokens.expired, {}),
          bound: await verified(verifier, tokens.bound, {}),
          confirmed: await verified(verifier, tokens.bound, { confirmations: ['jkt'] }),
          earlier: await verified(verifier, tokens.expired, { asOf: { time: GOOD.iat - 800, maxLag: 3600 } }),
          'without maxLag': await verified(verifier, tokens.expired, { asOf: { time: GOOD.iat - 800 } as never }),
        })
      },
    },
    {
      name: 'explanations',
      start: () => {
        const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks, clientId: CLIENT })
        return async () => {
          const answers: Record<string, string> = {}
          for (const [name, token] of Object.entries(tokens))
            answers[name] = await outcome(async () => stringify(await verifier.explain(token)))
          return answers
        }
      },
    },
    {
      name: 'an authenticator',
      triesForeign: true,
      start: () => authenticator(createAuthenticator({ issuer: ISSUER, audience: AUDIENCE, jwks }), tokens),
    },
    {
      name: 'an authenticator of every place',
      start: () =>
        authenticator(
          createAuthenticator({
            issuer: ISSUER,
            audience: AUDIENCE,
            jwks,
            credentials: [
              { from: 'authorization' },
              { from: 'header', name: 'x-token' },
              { from: 'cookie', name: 'token' },
              { from: 'query' },
              { from: 'form' },
            ],
          }),
          tokens,
        ),
    },
    {
      name: 'a verifier and an authenticator of the application with incomplete results',
      start: () => {
        const view: RequestView = {
          method: 'GET',
          target: '/',
          header: (name) => (name === 'authorization' ? ['Bearer x'] : []),
        }
        const given = (token: object): Promise<string> =>
          outcome(async () => {
            const verifier = { verify: async () => token } as unknown as Verifier
            const answer = await createAuthenticator({ verifier }).authenticate(view)
            return answer.kind === 'authenticated' ? accepted(answer.token) : `refused ${stringify(answer)}`
          })
        const admitted = (value: object): Promise<string> =>
          outcome(() => `accepted ${stringify(admittedToken(value as never) ?? 'anonymous')}`)
        return async () => ({
          nothing: await given({}),
          'claims alone': await given({ claims: { sub: 'user-1' } }),
          'scopes that are none': await given({ claims: { sub: 'user-1' }, scopes: {} }),
          'claims with a prototype': await given({
            claims: { sub: 'user-1' },
            header: bare({}),
            scopes: new Set(['a']),
          }).then((answer) => (answer.startsWith('accepted') ? 'accepted' : answer)),
          'no outcome': await admitted({}),
          'an outcome without a token': await admitted({ kind: 'authenticated' }),
        })
      },
    },
    {
      name: 'the options of an adapter',
      start: () => {
        const environment = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE }
        const [jwk] = jwks.keys
        const withKey = { ...environment, JWT_PUBLIC_KEY: JSON.stringify(jwk) }
        const rules = { action: 'test', table: {}, environment: withKey }
        const authenticatorOf = authenticator(createAuthenticator({ ...optionsFromEnv(environment), fetch }), tokens)
        return async () => ({
          ...(await authenticatorOf()),
          options: await outcome(() => stringify(Object.keys(readAdapterOptions({}, rules)))),
          environment: await outcome(() => stringify(optionsFromEnv(environment))),
        })
      },
    },
    {
      name: 'a denylist',
      start: async () => {
        const list = denylist({ store: createMemoryDenylist() })
        await list.denyToken({ claims: { ...GOOD, jti: 'denied-token' } })
        await list.denySubject(ISSUER, 'denied-subject')
        await list.denySession(ISSUER, 'denied-session')
        const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks, checks: [list] })
        const denied = {
          token: await keys.sign({ ...GOOD, jti: 'denied-token' }),
          subject: await keys.sign({ ...GOOD, sub: 'denied-subject' }),
          'subject without iat': await keys.sign({ ...GOOD, sub: 'denied-subject', iat: undefined }),
          session: await keys.sign({ ...GOOD, sid: 'denied-session' }),
        }
        return async () => {
          const answers = await allTokens(verifier)
          for (const [name, token] of Object.entries(denied))
            answers[`denied ${name}`] = await verified(verifier, token)
          const other = denylist({ store: createMemoryDenylist() })
          const rest = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks, checks: [other] })
          answers['to deny'] = await outcome(async () => {
            await other.denyToken(await rest.verify(tokens.good))
            await other.denySubject(ISSUER, 'user-2', {})
          })
          answers['just denied'] = await verified(rest, tokens.good)
          answers['to deny one without jti'] = await outcome(() => other.denyToken({ claims: { exp: GOOD.exp } }))
          return answers
        }
      },
    },
    {
      name: 'encrypted tokens',
      triesForeign: true,
      start: () => {
        const verifier = createNestedVerifier({
          verifier: createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks }),
          decryption: { keys: decryptionKeys({ privateKey: encryption.privateKey }) },
        })
        return async () => ({
          nested: await verified(verifier, nested),
          signed: await verified(verifier, tokens.good),
        })
      },
    },
    {
      name: 'fetched keys',
      triesForeign: true,
      start: () => {
        const set = remoteKeySet(JWKS_URI, { fetch, store: createMemoryJwkSetStore() })
        return async () => {
          fetched.length = 0
          const signed = (token: string): Promise<string> =>
            outcome(async () => stringify((await verifyJws(token, { keys: set, algorithms: ['ES256'] })).header))
          return {
            good: await signed(tokens.good),
            attacker: await signed(tokens['of the attacker']),
            seed: await outcome(() => stringify(Object.keys(set.export() ?? {}))),
            fetched: fetched.filter((url) => !url.startsWith(ISSUER)).join(' '),
          }
        }
      },
    },
    ...SEEDED.map(([name, keySetOf]): Scenario => ({
      name,
      start: () => {
        // Like a server whose keys have the same version at every address: a request with an entity tag is confirmed.
        const sent: string[] = []
        const seededFetch: VerifierOptions['fetch'] = async (url, { headers }) => {
          const tag = Object.hasOwn(headers, 'if-none-match') ? String(headers['if-none-match']) : 'no tag'
          sent.push(`${url} ${tag}`)
          if (url !== JWKS_URI) return response(200, texts.metadata)
          return tag === 'no tag' ? response(200, texts.set) : response(304, null)
        }
        const seed = { uri: JWKS_URI, jwks: { keys: [gone] }, fetchedAt: Date.now() - 700_000 }
        const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, fetch: seededFetch, ...keySetOf(seed) })
        return async () => ({
          good: await verified(verifier, tokens.good),
          gone: await verified(verifier, tokens['of the attacker']),
          sent: sent.join(', '),
        })
      },
    })),
  ]
}

class Seed implements JwkSetSeed {
  readonly uri: string
  readonly fetchedAt: number
  readonly #jwks: JwkSetSeed['jwks']

  constructor({ uri, fetchedAt, jwks }: JwkSetSeed) {
    this.uri = uri
    this.fetchedAt = fetchedAt
    this.#jwks = jwks
  }

  get jwks(): JwkSetSeed['jwks'] {
    return this.#jwks
  }
}

// Each seed has only its required members, and its key has since left the set.
const SEEDED: readonly (readonly [string, (seed: JwkSetSeed) => object])[] = [
  ['a seed', (seed) => ({ jwksUri: JWKS_URI, keySet: { seed } })],
  ['a seed of a class', (seed) => ({ jwksUri: JWKS_URI, keySet: { seed: new Seed(seed) } })],
  ['a seed of a discovered set', (seed) => ({ keySet: { seed: { ...seed, uri: ISSUER } } })],
  [
    'a seed in a store',
    (seed) => {
      const text = JSON.stringify(seed)
      return { jwksUri: JWKS_URI, keySet: { store: { get: async () => JSON.parse(text), set: async () => {} } } }
    },
  ],
]

// Complete, because the runtime reads more of it.
function response(status: number, text: string | null): Response {
  return new Response(text, bare({ status, statusText: '', headers: bare({}) }))
}

const onlyUsers: TokenCheck = {
  name: 'only users',
  check: async ({ claims }) => {
    if (claims['admin'] !== undefined) throw new Error('found what is not in the token')
  },
}

async function verified(verifier: Pick<Verifier, 'verify'>, ...call: Parameters<Verifier['verify']>): Promise<string> {
  return outcome(async () => accepted(await verifier.verify(...call)))
}

function accepted(token: {
  readonly claims: object
  readonly header?: object | undefined
  readonly scopes: ReadonlySet<string>
}): string {
  const read = ['sub', 'scope', 'admin', 'tenant', 'alg'].map((name) => [
    (token.claims as Record<string, unknown>)[name],
    (token.header as Record<string, unknown>)[name],
  ])
  return `accepted ${stringify([token.claims, token.header, token.scopes, read])}`
}

const REQUIREMENTS: readonly (Requirement | undefined)[] = [
  undefined,
  scope('orders:read'),
  scope('admin'),
  claim('role', 'admin'),
  { description: 'own', scopes: [], isMet: ({ claims }) => claims['admin'] === true },
  stepUp({ acr: ['mfa'], maxAge: 300 }),
  allOf(scope('admin'), stepUp({ amr: ['otp'] }), authorizationDetails({ type: 'payment', identifier: '1' })),
  anyOf(
    authorizationDetails({ type: 'payment', actions: ['initiate'], covers: () => true }),
    authorizationDetails({ type: 'payment', remediation: [{ type: 'payment' }] }),
  ),
]

function authenticator(made: ReturnType<typeof createAuthenticator>, tokens: Made['tokens']): Ask {
  const ask = (view: RequestView, requirement: Requirement | undefined): Promise<string> =>
    outcome(async () => {
      const answer = await made.authenticate(view, requirement)
      if (answer.kind === 'authenticated') return accepted(answer.token)
      return answer.kind === 'refused' ? `refused ${stringify([answer.error.message, answer.response])}` : answer.kind
    })
  const viewOf = (fields: Readonly<Record<string, readonly string[]>>, method = 'GET'): RequestView => ({
    method,
    target: '/orders',
    header: (name) => (Object.hasOwn(fields, name) ? (fields[name] ?? []) : []),
  })
  return async () => {
    const answers: Record<string, string> = {}
    for (const [index, requirement] of REQUIREMENTS.entries()) {
      answers[`good ${index}`] = await ask(viewOf({ authorization: [`Bearer ${tokens.good}`] }), requirement)
      answers[`none ${index}`] = await ask(viewOf({}), requirement)
    }
    answers['expired'] = await ask(viewOf({ authorization: [`Bearer ${tokens.expired}`] }), undefined)
    answers['bound'] = await ask(viewOf({ authorization: [`Bearer ${tokens.bound}`] }), undefined)
    answers['bare'] = await ask(viewOf({ authorization: [tokens.good] }), undefined)
    answers['a form'] = await ask(viewOf({ 'content-type': ['application/x-www-form-urlencoded'] }, 'POST'), undefined)
    return answers
  }
}
