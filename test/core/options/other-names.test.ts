// Names of options in other libraries, passed to each function with options: the message names the option of that function.
import { createAuthenticator, createVerifier, verify } from '@claimgate/core'
import { ADAPTER_OPTIONS, remoteKeySet } from '@claimgate/core/extend'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { createIssuer } from '@claimgate/issuer'
import { createTestKeys } from '@claimgate/testing'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'

const { publicJwk } = await createTestKeys('ES256')
const base = { issuer: 'https://issuer.example', audience: 'api', jwks: { keys: [publicJwk] } }

const HTTP = ['verifier', 'realm', 'credentials', 'optional', 'refusalBody', 'exposeChallenge', 'log', 'bindings']
const NESTED = {
  keySet: ['freshFor', 'cooldown', 'timeout', 'fetchesPerMinute', 'headers'].map((name) => `keySet.${name}`),
  tokenCache: ['maxEntries', 'maxAge'].map((name) => `tokenCache.${name}`),
}
const verifierOptions = [
  ...ADAPTER_OPTIONS.filter((name) => !HTTP.includes(name)),
  ...NESTED.keySet,
  ...NESTED.tokenCache,
]
const httpOptions = [...verifierOptions, ...HTTP]

interface Door {
  readonly name: string
  readonly open: (options: object) => unknown
  readonly options: readonly string[]
}

const given = (options: object): typeof base => ({ ...base, ...options })

const DOORS = {
  createVerifier: { open: (options) => createVerifier(given(options)), options: verifierOptions },
  'issuers of createVerifier': {
    open: (options) => createVerifier({ issuers: [given(options)] }),
    options: verifierOptions.filter(
      (name) => !/^(?:keySet|tokenCache|clock$|onEvent|fetch|checks|claims|limits)/.test(name),
    ),
  },
  verify: { open: async (options) => verify('a.b.c', given(options)), options: verifierOptions },
  createAuthenticator: { open: (options) => createAuthenticator(given(options)), options: httpOptions },
  createGate: { open: (options) => createGate(given(options)), options: httpOptions },
  authenticateJwt: {
    open: (options) => authenticateJwt(given(options)),
    options: [...httpOptions, 'onReject', 'requirement', 'authenticator'],
  },
  'authenticateJwt of a ready authenticator': {
    open: (options) => authenticateJwt({ authenticator: createAuthenticator(base), ...options }),
    options: [...httpOptions, 'onReject', 'requirement', 'authenticator'],
  },
  'createGate of a ready verifier': {
    open: (options) => createGate({ verifier: createVerifier(base), ...options } as never),
    options: httpOptions,
  },
  claimgate: {
    open: async (options) => {
      const app = Fastify()
      try {
        await app.register(claimgate, given(options))
      } finally {
        await app.close()
      }
    },
    options: [...httpOptions, 'global', 'onReject', 'securityScheme', 'notFound'],
  },
  keySet: {
    open: (keySet) => createVerifier(given({ keySet })),
    options: [...NESTED.keySet, ...['staleFor', 'softWait', 'store', 'seed'].map((name) => `keySet.${name}`)],
  },
  remoteKeySet: {
    open: (options) => remoteKeySet('https://a.example/jwks', options),
    options: [...NESTED.keySet.map((name) => name.replace('keySet.', '')), 'fetch', 'clock', 'onEvent'],
  },
  limits: {
    open: (limits) => createVerifier(given({ limits })),
    options: ['tokenLength', 'headerLength', 'kidLength', 'audiences', 'scopes', 'members', 'nodes', 'depth'].map(
      (name) => `limits.${name}`,
    ),
  },
  tokenCache: {
    open: (tokenCache) => createVerifier(given({ tokenCache })),
    options: [...NESTED.tokenCache, 'tokenCache.maxBytes'],
  },
  createIssuer: {
    open: async (options) => createIssuer({ issuer: base.issuer, ...options }),
    options: [
      'issuer',
      'algorithm',
      'audience',
      'ttl',
      'typ',
      'jwksMaxAge',
      'overlap',
      'signer',
      'signers',
      'keys',
      'createSigner',
      'clock',
      'randomUUID',
      'overlap.publishAhead',
      'overlap.clockTolerance',
    ],
  },
} satisfies Readonly<Record<string, Omit<Door, 'name'>>>

const doors: readonly Door[] = Object.entries(DOORS).map(([name, door]) => ({ name, ...door }))

/** The meanings of each word, the best first: a function without it may have the next. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  // jwks-rsa, jose, Auth0, Okta
  jwksUrl: ['jwksUri'],
  jwksURI: ['jwksUri'],
  jwks_uri: ['jwksUri'],
  jwkUri: ['jwksUri'],
  'jwk-set-uri': ['jwksUri'],
  jwksEndpoint: ['jwksUri'],
  issuerBaseURL: ['issuer'],
  issuerUrl: ['issuer'],
  iss: ['issuer'],
  domain: ['issuer'],
  authority: ['issuer'],
  allowedIss: ['issuer'],
  userPoolId: ['issuer'],
  aud: ['audience'],
  audiences: ['audience'],
  audiance: ['audience'],
  allowedAud: ['audience'],
  alg: ['algorithms', 'algorithm'],
  allowedAlgorithms: [],
  algorithm: ['algorithms'],
  tokenSigningAlg: ['algorithms'],
  clockSkew: ['clockTolerance'],
  clockTollerance: ['clockTolerance'],
  clock_tolerance: ['clockTolerance', 'overlap.clockTolerance'],
  clockSkewInSeconds: ['clockTolerance'],
  clockToleranceSec: ['clockTolerance'],
  graceSeconds: ['clockTolerance'],
  leeway: ['clockTolerance'],
  clockTimestamp: ['clock'],
  currentDate: ['clock'],
  maxTokenAge: ['maxAge'],
  maxage: ['maxAge', 'tokenCache.maxAge'],
  checkTyp: ['tokenTypes'],
  typ: ['tokenTypes'],
  tokenUse: ['requiredClaims'],
  subject: ['requiredClaims'],
  claimsToValidate: ['requiredClaims'],
  assertClaims: ['requiredClaims'],
  isRevoked: ['checks'],
  customJwtCheck: ['checks'],
  validators: ['checks'],
  secretOrPublicKey: ['publicKey'],
  secretOrKey: ['publicKey'],
  secretOrKeyProvider: ['keys'],
  getKey: ['keys'],
  azp: ['clientId'],
  client_id: ['clientId'],
  cache: ['tokenCache'],
  cacheTTL: ['tokenCache.maxAge'],
  cacheMaxAge: ['keySet.freshFor', 'freshFor'],
  jwksRequestsPerMinute: ['keySet.fetchesPerMinute', 'fetchesPerMinute'],
  cooldownDuration: ['keySet.cooldown', 'cooldown'],
  timeoutDuration: ['keySet.timeout', 'timeout'],
  requestHeaders: ['keySet.headers', 'headers'],
  requestAgent: ['fetch'],
  fetcher: ['fetch'],
  logger: ['log', 'onEvent'],
  // express-jwt, passport-jwt, @fastify/jwt, koa-jwt, hono
  credentialsRequired: ['optional'],
  authRequired: ['optional'],
  passthrough: ['optional'],
  getToken: ['credentials'],
  jwtFromRequest: ['credentials'],
  cookie: ['credentials'],
  headerName: ['credentials'],
  onExpired: ['onReject'],
  requiredScopes: ['requirement'],
  permissions: ['requirement'],
  ignoreExpiration: [],
  complete: [],
  requestProperty: [],
  passReqToCallback: [],
}

/** Names that verifiers do not have, and issuers name differently. */
const WORDS_OF_ISSUERS: Readonly<Record<string, readonly string[]>> = {
  expiresIn: ['ttl'],
  expiry: ['ttl'],
  lifetime: ['ttl'],
  iss: ['issuer'],
  issuerUrl: ['issuer'],
  issuerBaseURL: ['issuer'],
  aud: ['audience'],
  audiences: ['audience'],
  alg: ['algorithm'],
  algorithms: ['algorithm'],
  privateKey: ['keys'],
  signingKey: ['keys'],
  jwk: ['keys'],
  jwks: ['keys'],
  clockTolerance: ['overlap.clockTolerance'],
  publishAhead: ['overlap.publishAhead'],
  jwks_max_age: ['jwksMaxAge'],
  type: ['typ'],
  notBefore: [],
  subject: [],
}

const said = async (open: Door['open'], word: string): Promise<string> => {
  try {
    await open({ [word]: undefined })
  } catch (error) {
    if (error instanceof TypeError) return error.message
  }
  return ''
}

// Words of verifiers: an issuer may not know them, but must not suggest an option that it does not have.
const VERIFYING = Object.fromEntries(Object.keys(WORDS).map((word) => [word, ['unknown']]))

/** The options that a message suggests, after the unknown one. */
const namedIn = (message: string, word: string): readonly string[] => {
  const [, found = '', advice = ''] = /there is no option "([^"]+)"; (.*)$/.exec(message) ?? []
  expect(found.split('.').at(-1), message).toBe(word)
  return [...advice.matchAll(/(?<!: )"([\w.]+)"/g)].map(([, name = '']) => name)
}

describe.each(doors)('$name', ({ name, options, open }) => {
  const words = Object.entries(name === 'createIssuer' ? { ...VERIFYING, ...WORDS_OF_ISSUERS } : WORDS)

  it.each(words.filter(([word]) => !options.includes(word) && !options.includes(`${name}.${word}`)))(
    '%s',
    async (word, meanings) => {
      const message = await said(open, word)
      const named = namedIn(message, word)
      const right = meanings.find((option) => options.includes(option))

      expect(
        named.filter((option) => !options.includes(option)),
        message,
      ).toEqual([])
      if (right !== undefined) expect(named[0], message).toBe(right)
      if (meanings.length === 0) expect(message).not.toContain('did you mean')
    },
  )
})

describe('"verify" as an object, as in @fastify/jwt', () => {
  it.each([
    ['createGate', DOORS.createGate.open],
    ['authenticateJwt', DOORS.authenticateJwt.open],
    ['claimgate', DOORS.claimgate.open],
  ])('is not a verifier for %s', async (_, open) => {
    const attempt = async (): Promise<unknown> => open({ verify: { algorithms: ['ES256'] } })
    await expect(attempt).rejects.toThrow('there is no option "verify"; take it out')
  })
})
