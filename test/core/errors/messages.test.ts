import {
  AuthError,
  anyOf,
  claim,
  createAuthenticator,
  createVerifier,
  not,
  optionsFromEnv,
  scope,
  verify,
  type VerifierOptions,
} from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { publicKey, remoteKeySet, staticKeySet } from '@claimgate/core/extend'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { authenticateJwt, authorize, requireClaim, requireScope } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { createIssuer, createLambdaHandler, localSigner, publicJwkSet } from '@claimgate/issuer'
import { createTestKeys } from '@claimgate/testing'
import fastify from 'fastify'
import { generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { HTTP_OPTIONS } from '../../../packages/core/src/authenticator/options.ts'
import { VERIFIER_OPTIONS } from '../../../packages/core/src/pipeline/options.ts'
import { accessClaims, bearer, ISSUER, NOW, optionsWith, request } from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const jwks = { keys: [key.publicJwk] }
const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const signer = await localSigner(await generateKeyPair('ES256', { extractable: true }))
const with_ = (changes: object = {}): VerifierOptions => optionsWith({ jwks, ...changes })

const OPAQUE = 'T0ken-Of_Some.Kind~That+Is/Opaque'.repeat(5)
const JWT = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJldmUifQ.${'S1gnature'.repeat(10)}`
const HOSTILE: Readonly<Record<string, string>> = {
  'C0 controls': 'a\0b\u001b[31mc\r\nd\te',
  'C1 controls': 'a\u0085b\u009b31mc',
  'marks of direction': 'a\u202eb\u2066c\u200fd\u061ce',
  'line separators': 'a\u2028b\u2029c',
  'what shows as nothing': 'a\u200bb\ufeffc\u00add\u{e0041}e',
  'halves of characters': 'a\ud83db\udc41c',
  'much text': 'very long '.repeat(700),
  'a JWT': JWT,
  'an opaque token': OPAQUE,
  base64: 'b4se64/+'.repeat(20),
}
const SECRETS = [JWT, OPAQUE, 'b4se64/+'.repeat(20)]
const LONGEST = 2500

const PARTS = SECRETS.flatMap((secret) =>
  Array.from({ length: secret.length - 23 }, (_, at) => secret.slice(at, at + 24)),
)

/** What is wrong with a text; undefined if nothing is. */
function flawOf(text: string): string | undefined {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text)) return 'a character that steers a log'
  if (text.length > LONGEST) return `${text.length} characters`
  return PARTS.some((part) => text.includes(part)) ? 'a part of a credential' : undefined
}

/** The messages of one of our errors and of its causes. */
function textsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const { message, cause } = error
  const told = error instanceof AuthError ? [error.hint, error.expected, error.actual] : []
  const inner = cause instanceof Error && cause.name === 'FetchError' ? textsOf(cause) : []
  return [message, ...told, ...inner].filter((text) => text !== undefined)
}

type Place = (hostile: string) => unknown

/** Every message that results from a text in a place, in errors and in responses. */
async function saidAt(place: Place, hostile: string): Promise<readonly string[]> {
  try {
    const answer: unknown = await place(hostile)
    return typeof answer === 'string' ? [answer] : Array.isArray(answer) ? answer.flat().map(String) : []
  } catch (error) {
    return textsOf(error)
  }
}

const told = async (token: string, changes: object = {}): Promise<readonly string[]> => {
  const verifier = createVerifier(with_(changes))
  const refusal = await verifier.verify(token).then(
    () => undefined,
    (error: unknown) => error,
  )
  const { summary, steps } = await verifier.explain(token)
  return [summary, ...steps.flatMap((step) => Object.values(step) as string[]), ...textsOf(refusal)]
}

const header = (members: object): Promise<readonly string[]> =>
  key.sign(accessClaims(), members as Record<string, unknown>).then((token) => told(token))

const claims = async (members: object, changes?: object): Promise<readonly string[]> =>
  told(await key.sign(accessClaims(members as Record<string, unknown>)), changes)

const refusedRequest = async (fields: Readonly<Record<string, string>>, options: object = {}): Promise<unknown> => {
  const outcome = await createAuthenticator({ ...with_(), ...options }).authenticate(
    request(fields, { target: '/orders?access_token=' }),
  )
  return outcome.kind === 'refused' ? [...textsOf(outcome.error), JSON.stringify(outcome.response)] : []
}

const fetched = (answer: () => Response | Promise<never>): Promise<readonly string[]> =>
  key
    .sign(accessClaims(), { kid: 'other' })
    .then((token) =>
      told(token, { jwks: undefined, jwksUri: 'https://issuer.example/jwks', fetch: async () => answer() }),
    )

const discovered = (metadata: object): Promise<readonly string[]> =>
  key.sign(accessClaims()).then((token) => told(token, { jwks: undefined, fetch: async () => Response.json(metadata) }))

const HEADER_MEMBERS = ['alg', 'kid', 'typ', 'cty', 'crit', 'b64', 'jku', 'jwk', 'x5c', 'x5t', 'x5u', 'nonce']
const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'azp',
  'scope',
  'scp',
  'cnf',
  'events',
  'nonce',
  'tenant',
]
const CLAIM_RULES = [
  {},
  { clientId: 'x' },
  { requiredClaims: { tenant: 'x', sub: ['x'] } },
  {
    issuers: [{ issuer: 'https://other.example', audience: null, jwks }],
    issuer: undefined,
    audience: undefined,
    jwks: undefined,
  },
]
const ENVIRONMENT = ['ISSUER', 'AUDIENCE', 'JWKS_URI', 'PUBLIC_KEY', 'ALGORITHMS', 'CLOCK_TOLERANCE'].map(
  (name) => `JWT_${name}`,
)
const issue = { issuer: ISSUER, audience: 'api', keys: [signer] }
const issuer = await createIssuer(issue)

const places: Readonly<Record<string, Place>> = {
  'the token': (text) => told(text),
  'behind a token': async (text) => told(`${await key.sign(accessClaims())}${text}`),
  ...Object.fromEntries(HEADER_MEMBERS.map((name) => [`${name} in the header`, (text) => header({ [name]: text })])),
  ...Object.fromEntries(
    HEADER_MEMBERS.map((name) => [`a list as ${name} in the header`, (text) => header({ [name]: [text] })]),
  ),
  'the name of a header member': (text) => header({ [text]: 1, crit: [text] }),
  ...Object.fromEntries(
    CLAIMS.flatMap((name) =>
      CLAIM_RULES.flatMap((rules, at) => [
        [`claim ${name}, rules ${at}`, (text: string) => claims({ [name]: text }, rules)],
        [`claim ${name} in a list, rules ${at}`, (text: string) => claims({ [name]: [text, 1] }, rules)],
        [`claim ${name} in an object, rules ${at}`, (text: string) => claims({ [name]: { [text]: text } }, rules)],
      ]),
    ),
  ),
  'the name of a claim': (text) => claims({ [text]: text, exp: 1 }),
  'the configured issuer': (text) => claims({}, { issuer: text }),
  'the configured audience': (text) => claims({}, { audience: text }),
  'the configured client': (text) => claims({}, { clientId: text }),
  'a required claim': (text) => claims({}, { requiredClaims: { [text]: text, sub: text } }),
  'a required claim within others': (text) => claims({}, { requiredClaims: [[text, text], claim([text], text)] }),
  'what a schema says': (text) =>
    claims(
      {},
      {
        claims: {
          '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: [{ message: text, path: [text] }] }) },
        },
      },
    ),
  'the name of a check': (text) =>
    claims({}, { checks: [{ name: text, check: async () => Promise.reject(new Error(text)) }] }),
  'what a check says': (text) =>
    claims(
      {},
      {
        checks: [
          {
            name: 'own',
            check: async () =>
              Promise.reject(
                new AuthError('token_refused', { expected: [text], actual: { [text]: text }, hint: text }),
              ),
          },
        ],
      },
    ),
  'what a key source says': (text) =>
    key.sign(accessClaims()).then(async (token) => {
      const keys = { resolve: async () => Promise.reject(new Error(text)), describe: () => text }
      const { summary, steps } = await createVerifier(with_({ jwks: undefined, keys })).explain(token)
      return [summary, ...steps.flatMap((step) => Object.values(step) as string[])]
    }),
  'a requirement about a claim': async (text) => {
    const token = await key.sign(accessClaims({ role: text, roles: [text], deep: { [text]: text }, scope: text }))
    const authenticator = createAuthenticator(with_())
    const wanted = [
      claim('role', 'x'),
      claim('roles', ['x']),
      claim('deep', 'x'),
      anyOf(claim('role', 'x'), scope('x')),
    ]
    const outcomes = await Promise.all(
      [...wanted, claim([text, text], text), not(claim('role', text))].map((one) =>
        authenticator.authenticate(bearer(token), one),
      ),
    )
    return outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? textsOf(outcome.error) : []))
  },
  'the Authorization field': (text) => refusedRequest({ authorization: text }),
  'the Authorization field, after a scheme': (text) => refusedRequest({ authorization: `Bearer ${text}` }),
  'the Authorization field, after another scheme': (text) => refusedRequest({ authorization: `Unknown ${text}` }),
  'the Authorization field, in the wrong order': (text) => refusedRequest({ authorization: `${text} Bearer` }),
  'the Authorization field, twice a scheme': (text) => refusedRequest({ authorization: `Bearer Bearer ${text}` }),
  'the Authorization field, joined': (text) => refusedRequest({ authorization: `Basic dTpw, ${text}` }),
  'a cookie': (text) => refusedRequest({ cookie: `jwt=${text}` }, { credentials: [{ from: 'cookie', name: 'jwt' }] }),
  'a field': (text) => refusedRequest({ 'x-token': text }, { credentials: [{ from: 'header', name: 'x-token' }] }),
  'the members of a key set': (text) =>
    claims(
      {},
      { jwks: { keys: [...jwks.keys, { kty: text }, { ...key.publicJwk, kid: text, alg: text, use: text }] } },
    ),
  'the key IDs of a set': (text) =>
    key
      .sign(accessClaims(), { kid: text })
      .then((token) => told(token, { jwks: { keys: [{ ...key.publicJwk, kid: `${text}x` }] } })),
  'a key that is no use': (text) =>
    staticKeySet({ keys: [{ ...key.publicJwk, kid: text, use: text, key_ops: [text] }] }),
  'a text for a key set': (text) => staticKeySet(text),
  'the key IDs of a fetched set': (text) => fetched(() => Response.json({ keys: [{ ...key.publicJwk, kid: text }] })),
  'a fetched set': (text) => fetched(() => new Response(text)),
  'members of a fetched set': (text) => fetched(() => Response.json({ keys: [{ kty: text, kid: text, use: text }] })),
  'what fetch says': (text) => fetched(async () => Promise.reject(new Error(text))),
  'what fetch says it was caused by': (text) =>
    fetched(async () => Promise.reject(new TypeError('x', { cause: new Error(text) }))),
  'the code of a failed fetch': (text) =>
    fetched(async () => Promise.reject(Object.assign(new Error(text), { code: text }))),
  'where a fetch is redirected': (text) =>
    fetched(
      () =>
        new Response('', {
          status: 302,
          headers: { location: `https://x.example/${encodeURIComponent(text.toWellFormed())}` },
        }),
    ),
  'the issuer in metadata': (text) => discovered({ issuer: text, jwks_uri: 'https://issuer.example/jwks' }),
  'jwks_uri in metadata': (text) => discovered({ issuer: ISSUER, jwks_uri: text }),
  'the host of jwks_uri in metadata': (text) =>
    discovered({ issuer: ISSUER, jwks_uri: `https://${text}.example/jwks` }),
  'the path of an address': (text) =>
    fetched(() => new Response('', { status: 404 })).then(() =>
      claims({}, { jwks: undefined, jwksUri: `http://h.example/${encodeURIComponent(text.toWellFormed())}` }),
    ),
  'the address of a key set': (text) => remoteKeySet(text),
  'a public key': (text) => publicKey(text, ['RS256']),
  'the name of an option': (text) => createVerifier(with_({ [text]: text })),
  ...Object.fromEntries(
    [...VERIFIER_OPTIONS, ...HTTP_OPTIONS].flatMap((name) => [
      [`option ${name}`, (text: string) => createAuthenticator({ ...with_(), [name]: text })],
      [`a list as option ${name}`, (text: string) => createAuthenticator({ ...with_(), [name]: [text] })],
      [`names in option ${name}`, (text: string) => createAuthenticator({ ...with_(), [name]: { [text]: text } })],
    ]),
  ),
  'a place of credentials': (text) =>
    createAuthenticator({ ...with_(), credentials: [{ from: text as 'cookie', name: text }] }),
  'the name of a cookie': (text) => createAuthenticator({ ...with_(), credentials: [{ from: 'cookie', name: text }] }),
  'an issuer by a function': (text) =>
    claims({}, { ...NO_POLICY, issuers: async () => ({ issuer: text, audience: [text], [text]: text }) }),
  'what a function of issuers says': (text) =>
    claims({}, { ...NO_POLICY, issuers: async () => Promise.reject(new Error(text)) }),
  ...Object.fromEntries(
    ENVIRONMENT.map((name) => [
      `variable ${name}`,
      (text: string) => createVerifier(optionsFromEnv({ JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'api', [name]: text })),
    ]),
  ),
  'the name of a variable': (text) => optionsFromEnv({ [`JWT_${text}`]: text }),
  'a scope': (text) => scope(text),
  'the name of a claim to require': (text) => requireClaim(text, /x/ as unknown as string),
  'a condition': (text) => claim('x', { [text]: text } as unknown as string),
  'a time to verify at': async (text) =>
    createVerifier(with_()).verify(await key.sign(accessClaims()), {
      asOf: { time: text as unknown as number, maxLag: 1 },
    }),
  'a token of verify': (text) => verify(text, with_()),
  'an option of a denylist': (text) => denylist({ store: createMemoryDenylist(), [text]: text }),
  'the lifetime of a denylist': (text) =>
    denylist({ store: createMemoryDenylist(), maxLifetime: text as unknown as number }),
  'a subject to deny': async (text) =>
    denylist({ store: createMemoryDenylist() }).denySubject(text, text, { issuedUpTo: text as unknown as number }),
  'a token to deny': async (text) =>
    denylist({ store: createMemoryDenylist() }).denyToken({ claims: { jti: text, exp: text as unknown as number } }),
  'a decryption key': (text) => decryptionKeys([{ kty: text, kid: text, alg: text }]),
  'the key ID of a decryption key': async (text) => decryptionKeys(text).ready(),
  'a JWE': (text) => {
    const verifier = createNestedVerifier({ verifier: createVerifier(with_()), decryption: { keys: rsa.privateKey } })
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    return verifier
      .explain(
        `${part({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: text, [text]: text, zip: text })}.AAAA.AAAA.AAAA.AAAA`,
      )
      .then(({ summary, steps }) => [summary, ...steps.flatMap((step) => Object.values(step) as string[])])
  },
  'an algorithm of a nested verifier': (text) =>
    createNestedVerifier({
      verifier: createVerifier(with_()),
      decryption: { keys: rsa.privateKey, algorithms: [text] as unknown as ['RSA-OAEP-256'] },
    }),
  'an option of Express': (text) => authenticateJwt({ ...with_(), [text]: text }),
  'a requirement of Express': (text) => [authorize(text as never), requireScope(text)],
  'what Express logs': async (text) => {
    const lines: string[] = []
    const handle = authenticateJwt({ ...with_(), log: { warn: (line: string) => lines.push(line) } })
    const rawHeaders = ['authorization', `${text} Bearer`]
    const req = { method: 'GET', url: '/', originalUrl: '/', headers: { authorization: rawHeaders[1] }, rawHeaders }
    const res = { writeHead: () => res, setHeader: () => res, end: () => res, on: () => res, once: () => res }
    await new Promise<void>((resolve) => {
      handle(req as never, res as never, () => resolve())
      setTimeout(resolve, 20)
    })
    return lines
  },
  'an option of Fastify': async (text) => {
    const app = fastify()
    await app.register(claimgate, { ...with_(), [text]: text } as never)
    await app.ready()
  },
  'an option of a gate': (text) => createGate({ ...with_(), [text]: text }),
  'an option of an issuer': (text) => createIssuer({ ...issue, [text]: text }),
  'the issuer of an issuer': (text) =>
    createIssuer({ ...issue, issuer: text }).then((made) => made.metadata({ issuer: 'x' })),
  'the metadata of an issuer': (text) => issuer.metadata({ issuer: text, [text]: text }),
  'a key ID to revoke': (text) => issuer.revoke(text),
  'the lifetime of its tokens': (text) => createIssuer({ ...issue, ttl: text as unknown as number }),
  'the claims of an issued token': (text) => issuer.issue({ sub: 1, [text]: text, jti: [text] }),
  'the options of an issued token': (text) => issuer.issue({}, { subject: text, [text]: text }),
  'the subject of an issued token': (text) => issuer.issue({ sub: text }, { subject: 'ada' }),
  'the typ of an issued token': (text) => issuer.issue({}, { typ: text }).then(() => undefined),
  'an event of a function': (text) =>
    createLambdaHandler({ currentSigner: async () => signer, ttl: 60 } as never)({
      claims: { iss: text, aud: 1 },
      [text]: text,
    }),
  'the ttl of an event': (text) =>
    createLambdaHandler({ currentSigner: async () => signer, ttl: 60 } as never)({ claims: {}, ttl: text } as never),
  'the keys of a set to publish': (text) => publicJwkSet([text as never]),
}
const NO_POLICY = { issuer: undefined, audience: undefined, jwks: undefined }

describe('36. No message controls a log, is unlimited, or repeats a possible credential', () => {
  it.each(Object.entries(HOSTILE))('if any place contains %s', { timeout: 60_000 }, async (_, hostile) => {
    let said = 0
    const flaws: string[] = []
    for (const [name, place] of Object.entries(places)) {
      for (const text of await saidAt(place, hostile)) {
        const flaw = flawOf(text)
        if (flaw !== undefined) flaws.push(`${name}: ${flaw} in ${JSON.stringify(text.slice(0, 300))}`)
        said += 1
      }
    }
    expect(flaws).toEqual([])
    expect(said).toBeGreaterThan(1000)
  })

  it('and most places have a message, so that the table tests something', async () => {
    const silent: string[] = []
    for (const [name, place] of Object.entries(places))
      if ((await saidAt(place, 'a\u202eb')).length === 0) silent.push(name)
    expect(silent.length, silent.join(', ')).toBeLessThan(Object.keys(places).length / 10)
    expect(NOW).toBeGreaterThan(0)
  })
})
