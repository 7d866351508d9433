// Every option of every package with every JavaScript type. A wrong one is rejected at start-up with a message that says what to write.
import { generateKeyPairSync } from 'node:crypto'

import { createAuthenticator, createVerifier, scope } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { publicKey, remoteKeySet, staticKeySet, verifyJws } from '@claimgate/core/extend'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { createNestedVerifier, decryptionKeys, decryptJwe } from '@claimgate/core/jwe'
import { mtls } from '@claimgate/core/mtls'
import { decryptionKeyFromPem, undiciFetch } from '@claimgate/core/node'
import { createLogoutEndpoint, createSecurityEventEndpoint } from '@claimgate/core/revocation'
import { createConnections } from '@claimgate/core/connections'
import { selectVerifier } from '@claimgate/core/hooks'
import { statusList } from '@claimgate/core/status-list'
import { authenticateJwt, authorize, requireAnyScope, requireClaim, requireScope } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate, protect } from '@claimgate/fetch'
import {
  createIssuer,
  createLambdaHandler,
  encryptToken,
  jwksHandler,
  localSigner,
  pemSigner,
  publicJwkSet,
} from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { encryptedPemSigner } from '@claimgate/issuer/node'
import { parameterStoreKey } from '@claimgate/issuer/parameter-store'
import { createTestClock, createTestKeys, jwksHandlers, startFaultyJwksServer } from '@claimgate/testing'
import Fastify from 'fastify'
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

const VALUES = {
  string: '\u00a7 "nothing" \u00a7',
  'empty string': '',
  number: -1,
  NaN: Number.NaN,
  true: true,
  false: false,
  list: ['\u00a7 \u00a7'],
  'empty list': [],
  'list of undefined': [undefined],
  'list of lists': [[]],
  Set: new Set(['sub']),
  Map: new Map([['sub', 'x']]),
  null: null,
  undefined,
  function: () => undefined,
  Buffer: Buffer.from('bytes'),
  Date: new Date(0),
  RegExp: /x/,
  Promise: Promise.resolve(),
  symbol: Symbol('x'),
  bigint: 1n,
  object: { '\u00a7': 1 },
  'empty object': {},
} as const

type Kind = keyof typeof VALUES

interface OptionCase {
  /** The name in messages. */
  readonly option: string
  readonly make: (value: unknown) => unknown
  /** Types that are accepted. `undefined` is one of them unless `narrows`. */
  readonly takes?: readonly Kind[]
  /** `undefined` would accept more than any value, or the option is required. */
  readonly narrows?: true
  /** Words that a message may contain instead of the quoted name. */
  readonly named?: RegExp
}

const { publicJwk } = await createTestKeys('ES256')
const base = { issuer: 'https://issuer.example', audience: 'api', jwks: { keys: [publicJwk] } }
const discovered = { issuer: base.issuer, audience: base.audience }
const introspecting = { ...discovered, client: clientSecretBasic('api', 'secret') }
const verifier = createVerifier(base)
const logout = {
  issuer: base.issuer,
  jwks: base.jwks,
  clientId: 'shop',
  denylist: denylist({ store: createMemoryDenylist() }),
}
const selection = { verifiers: { a: createVerifier(base) }, select: () => 'a' }
const events = { ...base, denylist: logout.denylist, authenticate: null }
const signer = await localSigner()
const recipient = await exportJWK((await generateKeyPair('ECDH-ES', { extractable: true })).publicKey)
const lockedPem = String(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }),
)
const pem = await exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey)
const decryption = { keys: { ...(await generateKeyPair('ECDH-ES', { extractable: true })), kid: 'a' } }

/** An error of a missing service is of another type. */
const orAnotherError = async (promise: Promise<unknown>): Promise<void> => {
  await promise.catch((error: unknown) => {
    if (error instanceof TypeError) throw error
  })
}

/** Cases of the options of one function. */
const optionsOf = (
  make: (options: object) => unknown,
  given: object,
  table: Readonly<Record<string, Omit<OptionCase, 'option' | 'make'>>>,
  path = '',
): readonly OptionCase[] =>
  Object.entries(table).map(([name, rest]) => ({
    option: `${path}${name}`,
    make: (value) => make({ ...given, [name]: value }),
    ...rest,
  }))

const anyOf = (...takes: readonly Kind[]): { readonly takes: readonly Kind[] } => ({ takes })
const nothing = {}
const narrows = { narrows: true } as const

// All options at once: the error for an object may also name a missing or unknown member.
const WHOLE =
  /give |each issuer needs|there is no option|"issuer"|"store"|"keys"|"from"|"hosts"|read the environment|must be an object/

const POLICY: Readonly<Record<string, Omit<OptionCase, 'option' | 'make'>>> = {
  issuer: { ...narrows, takes: ['string', 'null'] },
  audience: { ...narrows, takes: ['string', 'null', 'list'] },
  algorithms: narrows,
  profile: narrows,
  tokenTypes: { ...narrows, takes: ['list'] },
  idTokens: nothing,
  clientId: { ...narrows, takes: ['string', 'list'] },
  requiredClaims: { ...narrows, takes: ['list', 'empty list', 'object', 'empty object'] },
  maxAge: narrows,
  maxLifetime: narrows,
  clockTolerance: nothing,
  scopeSources: { ...narrows, takes: ['list'] },
}
const SHARED: Readonly<Record<string, Omit<OptionCase, 'option' | 'make'>>> = {
  claims: narrows,
  checks: { ...narrows, takes: ['empty list'] },
  tokenCache: anyOf('false', 'empty object'),
  limits: anyOf('empty object'),
  keySet: anyOf('empty object'),
  onEvent: anyOf('function'),
  fetch: anyOf('function'),
  clock: nothing,
}
const HTTP: Readonly<Record<string, Omit<OptionCase, 'option' | 'make'>>> = {
  realm: nothing,
  credentials: nothing,
  optional: anyOf('true', 'false'),
  refusalBody: anyOf('function'),
  exposeChallenge: anyOf('true', 'false'),
  scopesInChallenge: nothing,
  log: anyOf('false'),
  bindings: { ...narrows, takes: ['empty list'] },
  extractToken: anyOf('function'),
  onAuthenticated: { ...narrows, takes: ['function'] },
}
const NUMBERS = {
  keySet: ['freshFor', 'staleFor', 'cooldown', 'timeout', 'softWait', 'fetchesPerMinute', 'maxBytes', 'maxKeys'],
  limits: ['tokenLength', 'headerLength', 'kidLength', 'audiences', 'scopes', 'members', 'nodes', 'depth'],
  tokenCache: ['maxEntries', 'maxBytes', 'maxAge'],
}
const TUNING = {
  allowLoopbackHttp: anyOf('true', 'false'),
  headers: anyOf('empty object'),
  // A Map is a valid store.
  store: anyOf('Map'),
  seed: nothing,
  waitUntil: anyOf('function'),
  sharing: nothing,
}
const numbers = (names: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(names.map((name) => [name, nothing]))

const make = (options: object): unknown => createVerifier(options as typeof base)
const register = async (options: object): Promise<void> => {
  const app = Fastify()
  try {
    await app.register(claimgate, options as typeof base)
  } finally {
    await app.close()
  }
}

const GROUPS: Readonly<Record<string, readonly OptionCase[]>> = {
  createVerifier: [
    ...optionsOf(make, base, { ...POLICY, ...SHARED }),
    ...optionsOf(make, base, { scopeHierarchy: anyOf('empty object') }),
    ...optionsOf(make, discovered, {
      jwksUri: nothing,
      allowedKeyHosts: { ...narrows, takes: ['empty list'] },
      jwks: narrows,
      publicKey: narrows,
      secret: narrows,
      keys: narrows,
      issuers: nothing,
    }),
    ...optionsOf((options) => make({ issuers: [options] }), base, {
      ...POLICY,
      issuer: { ...narrows, takes: ['string'], named: /"issuer"/ },
    }),
    ...optionsOf((keySet) => make({ ...base, keySet }), {}, { ...TUNING, ...numbers(NUMBERS.keySet) }, 'keySet.'),
    ...optionsOf((limits) => make({ ...base, limits }), {}, numbers(NUMBERS.limits), 'limits.'),
    ...optionsOf((tokenCache) => make({ ...base, tokenCache }), {}, numbers(NUMBERS.tokenCache), 'tokenCache.'),
    ...optionsOf(
      (clock) => make({ ...base, clock }),
      { now: () => Date.now() },
      { now: narrows, monotonic: anyOf('function'), setTimeout: anyOf('function') },
      'clock.',
    ).map((entry) => (entry.option === 'clock.now' ? { ...entry, named: /"clock"|"clock\.now"/ } : entry)),
    { option: '', make: (value) => make(value as object), narrows: true, named: WHOLE },
    { option: 'issuers', make: (value) => make({ issuers: [value] }), narrows: true, named: WHOLE },
    { option: 'checks', make: (value) => make({ ...base, checks: [value] }), narrows: true },
    {
      option: 'requiredClaims',
      make: (value) => make({ ...base, requiredClaims: { sub: value } }),
      narrows: true,
      named: /"requiredClaims\.sub"/,
      takes: ['string', 'empty string', 'number', 'NaN', 'true', 'false', 'list', 'function'],
    },
    {
      option: 'requiredClaims',
      make: (value) => make({ ...base, requiredClaims: [value] }),
      narrows: true,
      takes: ['string', 'list'],
    },
    {
      option: 'scopeHierarchy',
      make: (value) => make({ ...base, scopeHierarchy: { a: value } }),
      narrows: true,
      named: /"scopeHierarchy\.a"/,
      takes: ['list'],
    },
  ],
  createAuthenticator: [
    ...optionsOf((options) => createAuthenticator(options as typeof base), base, HTTP),
    ...optionsOf(
      (options) => createAuthenticator(options as typeof base),
      {},
      { verifier: { ...narrows, named: /"(verifier|issuer)"/ } },
    ),
    { option: '', make: (value) => createAuthenticator(value as never), narrows: true, named: WHOLE },
    {
      option: 'credentials',
      make: (value) => createAuthenticator({ ...base, credentials: [value as never] }),
      narrows: true,
    },
    {
      option: 'bindings',
      make: (value) => createAuthenticator({ ...base, bindings: [value as never] }),
      narrows: true,
    },
    ...['bareToken', 'name', 'scheme'].map((name): OptionCase => ({
      option: `credentials.${name}`,
      make: (value) =>
        createAuthenticator({
          ...base,
          credentials: [
            (name === 'bareToken'
              ? { from: 'authorization', [name]: value }
              : { from: 'header', name: 'x-token', [name]: value }) as never,
          ],
        }),
      ...(name === 'name' && narrows),
    })),
  ],
  'remoteKeySet and its kin': [
    ...optionsOf(
      (options) => remoteKeySet('https://a.example/jwks', options),
      {},
      {
        ...TUNING,
        ...numbers(NUMBERS.keySet),
        fetch: anyOf('function'),
        onEvent: anyOf('function'),
        random: anyOf('function'),
        clock: nothing,
      },
    ),
    { option: 'address', make: (value) => remoteKeySet(value as string), narrows: true, named: /its address must be/ },
    {
      option: '',
      make: (value) => remoteKeySet('https://a.example/jwks', value as object),
      named: WHOLE,
      takes: ['empty object'],
    },
    { option: 'JWK Set', make: (value) => staticKeySet(value as never), narrows: true, named: /JWK Set/ },
    ...optionsOf((options) => staticKeySet(base.jwks, options), {}, { maxKeys: nothing, onEvent: anyOf('function') }),
    { option: 'publicKey', make: (value) => publicKey(value as string), narrows: true },
    ...optionsOf(
      (options) => undiciFetch(options),
      {},
      {
        refusePrivateAddresses: anyOf('true', 'false'),
        connections: nothing,
        lookup: anyOf('function'),
      },
    ),
    ...optionsOf(
      (options) => verifyJws('a.b.c', options as never),
      { keys: staticKeySet(base.jwks), algorithms: ['ES256'] },
      {
        keys: narrows,
        algorithms: narrows,
        limits: { takes: ['empty object', 'undefined'] },
      },
    ).map((entry) =>
      entry.option === 'limits'
        ? {
            ...entry,
            make: async (value: unknown) => {
              await verifyJws('a.b.c', {
                keys: staticKeySet(base.jwks),
                algorithms: ['ES256'],
                limits: value as never,
              }).catch((error: unknown) => {
                if (error instanceof TypeError) throw error
              })
            },
          }
        : entry,
    ),
  ],
  denylist: [
    ...optionsOf(
      (options) => denylist(options as never),
      { store: createMemoryDenylist() },
      {
        store: narrows,
        maxLifetime: nothing,
        clockTolerance: nothing,
        maxLag: nothing,
        timeout: nothing,
        clock: nothing,
      },
    ),
    ...optionsOf((options) => createMemoryDenylist(options), {}, { maxEntries: nothing, clock: nothing }),
    { option: '', make: (value) => denylist(value as never), narrows: true, named: WHOLE },
  ],
  introspection: [
    ...optionsOf(
      (options) => createIntrospectionVerifier(options as never),
      { ...introspecting, answers: 'signed' },
      {
        client: narrows,
        endpoint: narrows,
        jwts: narrows,
        answers: narrows,
        keys: narrows,
        algorithms: narrows,
        decrypt: { ...narrows, ...anyOf('function') },
        timeout: nothing,
        maxInFlight: nothing,
        allowHttpHosts: anyOf('empty list', 'undefined'),
        cache: anyOf('false', 'empty object', 'undefined'),
      },
    ),
    ...optionsOf(
      (cache) => createIntrospectionVerifier({ ...introspecting, cache }),
      {},
      { maxAge: nothing, negativeMaxAge: nothing, maxEntries: nothing, store: nothing },
      'cache.',
    ),
    { option: '', make: (value) => createIntrospectionVerifier(value as never), narrows: true, named: WHOLE },
  ],
  'select verifier': [
    ...optionsOf((options) => selectVerifier(options as never), selection, {
      verifiers: narrows,
      select: { ...narrows, takes: ['function'] },
      clock: nothing,
    }),
    {
      option: 'verifiers',
      make: (value) => selectVerifier({ ...selection, verifiers: { a: value } } as never),
      narrows: true,
    },
    {
      option: '',
      make: (value) => selectVerifier(value as never),
      narrows: true,
      named: /give |there is no option|"verifiers"/,
    },
  ],
  connections: [
    ...optionsOf((options) => createConnections(options as never), base, {
      requirement: narrows,
      verifyEvery: nothing,
    }),
  ],
  'status list': [
    ...optionsOf(
      (options) => statusList(options as never),
      { hosts: ['status.example.com'] },
      {
        hosts: narrows,
        accept: { ...narrows, ...anyOf('empty list') },
        keys: narrows,
        algorithms: narrows,
        maxAge: nothing,
        staleOnError: nothing,
        timeout: nothing,
        maxBytes: nothing,
        maxLists: nothing,
        clockTolerance: nothing,
        allowHttpHosts: anyOf('empty list', 'undefined'),
        fetch: anyOf('function', 'undefined'),
        clock: nothing,
      },
    ),
    { option: '', make: (value) => statusList(value as never), narrows: true, named: WHOLE },
  ],
  revocation: [
    ...optionsOf((options) => createLogoutEndpoint(options as never), logout, {
      issuer: { ...narrows, ...anyOf('string') },
      clientId: { ...narrows, ...anyOf('string', 'list') },
      tokenTypes: { ...narrows, ...anyOf('list') },
      maxAge: narrows,
      revokes: nothing,
      denylist: narrows,
      log: anyOf('false', 'undefined'),
      timeout: nothing,
    }),
    ...optionsOf((options) => createSecurityEventEndpoint(options as never), events, {
      issuer: { ...narrows, ...anyOf('string') },
      audience: { ...narrows, ...anyOf('string', 'list') },
      authenticate: { ...narrows, ...anyOf('function', 'null') },
      subjectIssuers: { ...narrows, ...anyOf('list', 'empty list') },
      maxAge: nothing,
      denylist: narrows,
      log: anyOf('false', 'undefined'),
      timeout: nothing,
    }),
    { option: '', make: (value) => createLogoutEndpoint(value as never), narrows: true, named: WHOLE },
    { option: '', make: (value) => createSecurityEventEndpoint(value as never), narrows: true, named: WHOLE },
  ],
  mtls: [
    ...optionsOf(
      (options) => mtls(options as never),
      { from: 'header', name: 'client-cert', format: 'rfc9440', trust: () => true },
      { from: narrows, name: narrows, format: narrows, trust: { ...narrows, ...anyOf('function') } },
    ),
    { option: '', make: (value) => mtls(value as never), narrows: true, named: WHOLE },
  ],
  jwe: [
    ...optionsOf(
      (options) => createNestedVerifier(options as never),
      { verifier, decryption },
      {
        verifier: narrows,
        decryption: { ...narrows, named: /"decryption"|"keys"|there is no option/ },
        accept: nothing,
        onEvent: anyOf('function'),
      },
    ),
    ...optionsOf((options) => createNestedVerifier({ verifier, decryption: options as never }), decryption, {
      keys: narrows,
      algorithms: narrows,
      encryptions: narrows,
      limits: anyOf('empty object'),
    }).map((entry) => (entry.option === 'keys' ? { ...entry, named: /"keys"|Cannot use decryption keys/ } : entry)),
    { option: '', make: (value) => decryptJwe('a.b.c.d.e', value as never), narrows: true, named: WHOLE },
    { option: '', make: (value) => decryptionKeys(value as never), narrows: true, named: /key 1|at least one/ },
    { option: '', make: (value) => decryptionKeyFromPem(value as never), narrows: true, named: /must be a PEM text/ },
  ],
  express: [
    ...optionsOf((options) => authenticateJwt(options as typeof base), base, {
      ...HTTP,
      onReject: anyOf('function'),
      requirement: { ...narrows, named: /requirement/ },
      property: narrows,
    }),
    ...optionsOf((options) => authenticateJwt(options as never), {}, { authenticator: narrows }),
    { option: '', make: (value) => authenticateJwt(value as never), named: WHOLE, narrows: true },
    {
      option: '',
      make: (value) => authorize(value as never),
      takes: ['function'],
      narrows: true,
      named: /requirement/,
    },
    { option: '', make: (value) => requireScope(value as never), narrows: true, named: /give each scope/ },
    { option: '', make: (value) => requireAnyScope(value as never), narrows: true, named: /give each scope/ },
    {
      option: '',
      make: (value) => requireClaim('a', value as never),
      narrows: true,
      named: /give "a"/,
      takes: ['string', 'empty string', 'number', 'NaN', 'true', 'false', 'list', 'function'],
    },
    { option: '', make: (value) => scope(value as never), narrows: true, named: /give each scope/ },
  ],
  fastify: [
    ...optionsOf(register, base, {
      ...HTTP,

      global: anyOf('true', 'false'),
      onReject: anyOf('function'),
      securityScheme: anyOf('string', 'false'),
      notFound: nothing,
      property: narrows,
    }),
  ],
  fetch: [
    ...optionsOf((options) => createGate(options as typeof base), base, HTTP),
    { option: '', make: (value) => createGate(value as never), narrows: true, named: WHOLE },
    {
      option: '',
      make: (value) => protect(createGate(base), value as never),
      narrows: true,
      takes: ['function'],
      named: /give a handler/,
    },
    {
      option: '',
      make: (value) => protect(createGate(base), () => new Response(), value as never),
      narrows: true,
      named: /requirement/,
    },
  ],
  issuer: [
    ...optionsOf(
      (options) => createIssuer(options as never),
      { issuer: base.issuer },
      {
        issuer: narrows,
        algorithm: nothing,
        audience: anyOf('string', 'list'),
        ttl: nothing,
        typ: anyOf('string'),
        jwksMaxAge: nothing,
        overlap: anyOf('empty object'),
        signer: narrows,
        signers: narrows,
        keys: { ...narrows, takes: ['empty list'] },
        createSigner: { named: /"createSigner"|Cannot use key: it must be a signer/ },
        clock: nothing,
        randomUUID: anyOf('function'),
      },
    ),
    ...optionsOf(
      (overlap) => createIssuer({ issuer: base.issuer, overlap }),
      {},
      { publishAhead: nothing, clockTolerance: nothing },
      'overlap.',
    ),
    { option: '', make: (value) => createIssuer(value as never), narrows: true, named: WHOLE },
    ...optionsOf(
      async (options) => (await createIssuer({ issuer: base.issuer, signer })).issue({}, options),
      {},
      {
        ttl: nothing,
        setIat: anyOf('true'),
        setJti: anyOf('true', 'string'),
        audience: anyOf('string', 'list'),
        subject: anyOf('string'),
        typ: anyOf('string'),
        header: anyOf('object', 'empty object'),
      },
    ),
    ...optionsOf((options) => localSigner(undefined, options), {}, { algorithm: nothing, kid: anyOf('string') }),
    { option: '', make: (value) => localSigner(value as never), named: /Cannot use key/ },
    ...optionsOf(
      (options) => pemSigner(pem, options as never),
      { algorithm: 'ES256' },
      { algorithm: narrows, kid: anyOf('string') },
    ),
    {
      option: '',
      make: (value) => pemSigner(value as never, { algorithm: 'ES256' }),
      narrows: true,
      named: /Cannot use key/,
    },
    ...optionsOf(
      (options) => encryptedPemSigner(lockedPem, options as never),
      { algorithm: 'ES256', passphrase: 'x' },
      { algorithm: narrows, passphrase: { ...narrows, takes: [] } },
    ),
    {
      option: '',
      make: (value) => publicJwkSet(value as never),
      narrows: true,
      named: /signer/,
      takes: ['empty list'],
    },
    { option: '', make: (value) => jwksHandler(value as never), narrows: true, named: /issuer/ },
    ...optionsOf(
      (options) => encryptToken('a.b.c', options as never),
      { recipient },
      {
        recipient: narrows,
        keyManagement: nothing,
        contentEncryption: nothing,
      },
    ),
    ...optionsOf(
      (options) => createLambdaHandler(options as never),
      { signer },
      {
        signer: { ...narrows, takes: ['function'] },
        issuer: anyOf('string'),
        audience: anyOf('string', 'list'),
        ttl: nothing,
        typ: anyOf('string'),
        allowNoExpiry: anyOf('true', 'false'),
        clock: nothing,
        randomUUID: anyOf('function'),
      },
    ),
    ...optionsOf(
      (options) => orAnotherError(kmsSigner(options as never)),
      { client: { send: () => undefined }, keyId: 'a' },
      {
        client: narrows,
        keyId: { ...narrows, takes: ['string'] },
        algorithm: nothing,
        kid: nothing,
        timeout: nothing,
      },
    ),
    ...optionsOf(
      (options) => parameterStoreKey(options as never),
      { client: { send: () => undefined }, name: 'a' },
      {
        client: narrows,
        name: narrows,
        algorithm: nothing,
        passphrase: { ...narrows, takes: ['string'] },
        createIfMissing: anyOf('true', 'false', 'empty object'),
        ttl: nothing,
        timeout: nothing,
        onEvent: anyOf('function'),
        clock: nothing,
      },
    ),
  ],
  testing: [
    ...optionsOf((options) => createTestClock(options), {}, { wall: anyOf('number'), monotonic: anyOf('number') }),
    ...optionsOf(
      (options) => createTestKeys('ES256', options),
      {},
      { kid: anyOf('string', 'empty string'), generation: nothing },
    ),
    ...optionsOf(
      async (options) => (await startFaultyJwksServer(options)).close(),
      {},
      { jwks: nothing, certificate: nothing, now: anyOf('function') },
    ),
    ...optionsOf(
      (options) => jwksHandlers({ get: () => 'handler' }, options as never),
      { issuer: base.issuer, jwks: base.jwks },
      { issuer: narrows, jwks: { ...narrows, takes: ['function'] }, jwksUri: nothing },
    ),
  ],
}

const ENGINE =
  /is not a function|not iterable|Cannot read propert|Cannot destructure|Cannot use 'in'|Cannot convert|undefined \(reading|is not an? object|Invalid value/

const said = async ({ make: run }: OptionCase, value: unknown): Promise<unknown> => {
  try {
    await run(value)
  } catch (error) {
    return error
  }
  return undefined
}

const nameOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : typeof error)

describe.each(Object.entries(GROUPS))('%s', (_, cases) => {
  it.each(cases)('$option', async (option) => {
    const { takes = [], narrows: isNarrowing, named = new RegExp(`"${RegExp.escape(option.option)}`) } = option
    const problems: string[] = []
    for (const [kind, value] of Object.entries(VALUES) as [Kind, unknown][]) {
      const isTaken = takes.includes(kind) || (kind === 'undefined' && isNarrowing === undefined)
      const error = await said(option, value)
      if (isTaken) {
        if (error !== undefined) problems.push(`${kind}: refused: ${nameOf(error)}`)
      } else if (!(error instanceof TypeError))
        problems.push(`${kind}: ${error === undefined ? 'starts' : nameOf(error)}`)
      else if (!named.test(error.message) || !error.message.startsWith('Cannot ') || ENGINE.test(error.message))
        problems.push(`${kind}: says ${error.message}`)
    }
    expect(problems.join('\n')).toBe('')
  })
})
