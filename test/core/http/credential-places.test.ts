import { createAuthenticator, createVerifier, type CredentialSource, type RequestView } from '@claimgate/core'
import express from 'express'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCredentials } from '../../support/contract/credentials.ts'
import { startExpress } from '../../support/contract/express-adapter.ts'
import { startFastify } from '../../support/contract/fastify-adapter.ts'
import { startFetch } from '../../support/contract/fetch-adapter.ts'
import { sendRaw } from '../../support/contract/raw-request.ts'
import { createServices, type Services } from '../../support/contract/services.ts'
import type { StartedAdapter } from '../../support/contract/started-adapter.ts'
import { fuzzRun } from '../../support/fuzz/fuzz-run.ts'

// Requests with values of every kind in every place at once. Their meaning is known from how they were generated, not from parsing them.

const { seed } = fuzzRun(process.env)
const { jwks, tokens } = await createCredentials()

/** The meaning of the values in one place. */
type Meaning =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'token'; readonly token: string }
  /** A scheme that no source accepts. */
  | { readonly kind: 'foreign' }
  /** A possible token, sent in an unsupported way. */
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'malformed' }

interface Sent {
  readonly meaning: Meaning
  /** Texts in the place, in order; an empty list is an absent field. */
  readonly values: readonly string[]
}

const NOTHING: Meaning = { kind: 'nothing' }
const MALFORMED: Meaning = { kind: 'malformed' }
const token = (value: string): Meaning => ({ kind: 'token', token: value })

const pool = [tokens.good, tokens.reader, tokens.expired, tokens.forged, 'a.b.c', 'opaque']
const anyToken = fc.constantFrom(...pool)
const fixed = (meaning: Meaning, ...texts: readonly string[]): fc.Arbitrary<Sent> =>
  fc.constantFrom(...texts).map((text) => ({ meaning, values: [text] }))
const absent: fc.Arbitrary<Sent> = fc.constant({ meaning: NOTHING, values: [] })
const repeated = (text: fc.Arbitrary<string>): fc.Arbitrary<Sent> =>
  fc.array(text, { minLength: 2, maxLength: 3 }).map((values) => ({ meaning: MALFORMED, values }))

/** Weighted, so that most requests reach the comparison of tokens. */
const place = (...kinds: readonly (readonly [weight: number, fc.Arbitrary<Sent>])[]): fc.Arbitrary<Sent> =>
  fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight, arbitrary })))

const withScheme: fc.Arbitrary<Sent> = fc
  .tuple(fc.constantFrom('Bearer', 'bearer', 'BEARER', 'bEaReR'), anyToken)
  .map(([scheme, value]) => ({ meaning: token(value), values: [`${scheme} ${value}`] }))

const authorization = place(
  [6, absent],
  [8, withScheme],
  [2, fixed(NOTHING, '')],
  [2, fixed({ kind: 'foreign' }, 'Basic YTpi', 'basic YWI6Yw==', 'Negotiate YII', 'ApiKey key=x', 'Token token="x y"')],
  [
    1,
    fixed(
      { kind: 'unsupported' },
      tokens.good,
      `Token ${tokens.good}`,
      `${tokens.good} Bearer`,
      `DPoP ${tokens.good}`,
      'DPoP x',
      'Basic',
      'opaque',
      'opaque Bearer',
      'Digest a="b", c="d"',
      'JWT eyJhbGciOiJub25lIn0',
    ),
  ],
  [
    1,
    fixed(
      MALFORMED,
      'Bearer',
      `Bearer  ${tokens.good}`,
      `Bearer ${tokens.good} x`,
      `Bearer "${tokens.good}"`,
      `Bearer ${tokens.good},`,
      `Bearer ${tokens.good}, Bearer ${tokens.good}`,
      `Basic YTpi, Bearer ${tokens.good}`,
      `, Bearer ${tokens.good}`,
      `Bearer\t${tokens.good}`,
      '"',
    ),
  ],
  [1, repeated(fc.constantFrom('', 'Basic YTpi', `Bearer ${tokens.good}`))],
)

const tokenAlone = anyToken.map((value): Sent => ({ meaning: token(value), values: [value] }))
const ownHeader = place(
  [6, absent],
  [5, tokenAlone],
  [2, fixed(NOTHING, '')],
  [1, fixed(MALFORMED, `Bearer ${tokens.good}`, `${tokens.good},`, `${tokens.good} ${tokens.good}`)],
  [1, repeated(fc.constantFrom('', tokens.good, tokens.reader))],
)

const cookie = place(
  [6, absent],
  [
    5,
    anyToken.chain((value) =>
      fc.constantFrom(value, `"${value}"`).map((text) => ({ meaning: token(value), values: [text] })),
    ),
  ],
  [2, fixed(NOTHING, '', '""')],
  [1, fixed(MALFORMED, `${tokens.good} x`, `Bearer ${tokens.good}`, `"${tokens.good}`, `%22${tokens.good}`, '"')],
  [1, repeated(fc.constantFrom('', '""', tokens.good, tokens.reader))],
)

const field = place(
  [8, absent],
  [4, tokenAlone],
  [2, fixed(NOTHING, '')],
  [1, fixed(MALFORMED, `${tokens.good} x`, `Bearer ${tokens.good}`, `${tokens.good},`)],
  [1, repeated(fc.constantFrom('', tokens.good, tokens.reader))],
)

interface Request {
  readonly authorization: Sent
  readonly header: Sent
  readonly cookie: Sent
  readonly query: Sent
  readonly form: Sent
}

const requests: fc.Arbitrary<Request> = fc.record({
  authorization,
  header: ownHeader,
  cookie,
  query: field,
  form: field,
})

const PLACES = ['authorization', 'header', 'cookie', 'query', 'form'] as const
const SOURCES: Readonly<Record<(typeof PLACES)[number], CredentialSource>> = {
  authorization: { from: 'authorization' },
  header: { from: 'header', name: 'X-Access-Token' },
  cookie: { from: 'cookie', name: 'token' },
  query: { from: 'query' },
  form: { from: 'form' },
}

/** The expected answer: a status, or anonymous. */
function expected(
  request: Request,
  places: readonly (typeof PLACES)[number][],
  optional: boolean,
): number | 'anonymous' {
  const meanings = places.map((name) => request[name].meaning)
  if (meanings.some(({ kind }) => kind === 'malformed')) return 400
  const found = new Set(meanings.flatMap((meaning) => (meaning.kind === 'token' ? [meaning.token] : [])))
  const unsupported = meanings.filter(({ kind }) => kind === 'unsupported').length
  if (found.size + unsupported > 1) return 400
  if (unsupported === 1) return 401
  const [only] = found
  if (only !== undefined) return only === tokens.good || only === tokens.reader ? 200 : badStatus(only)
  return optional ? 'anonymous' : 401
}

/** A token with invalid characters is a malformed credential, any other bad one a bad token. */
const badStatus = (value: string): number => (/^[\w.~+/-]+=*$/.test(value) ? 401 : 400)

const cookieLine = (values: readonly string[]): readonly string[] =>
  values.length === 0 ? [] : [['theme=dark', ...values.map((value) => `token=${value}`)].join('; ')]
const pairs = (values: readonly string[]): string =>
  ['page=2', ...values.map((value) => `access_token=${encodeURIComponent(value)}`)].join('&')

const FORM = 'application/x-www-form-urlencoded'

function view(request: Request): RequestView {
  const fields: Readonly<Record<string, readonly string[]>> = {
    authorization: request.authorization.values,
    'x-access-token': request.header.values,
    cookie: cookieLine(request.cookie.values),
    'content-type': [FORM],
  }
  const { values } = request.form
  return {
    method: 'POST',
    target: `/?${pairs(request.query.values)}`,
    header: (name) => fields[name] ?? [],
    form: async () => (values.length === 0 ? {} : { access_token: values.length === 1 ? values[0] : values }),
  }
}

const verifier = createVerifier({ issuer: 'https://auth.example.com', audience: 'https://orders.example.com', jwks })

describe('credentials of every kind in every place at once', () => {
  it('are authenticated for one good token, or equal ones, and otherwise refused with the right status', async () => {
    const authenticators = new Map<string, ReturnType<typeof createAuthenticator>>()
    const authenticatorFor = (places: readonly (typeof PLACES)[number][], optional: boolean) => {
      const key = `${places.join()} ${optional}`
      const known = authenticators.get(key)
      if (known !== undefined) return known
      const made = createAuthenticator({ verifier, optional, credentials: places.map((name) => SOURCES[name]) })
      authenticators.set(key, made)
      return made
    }
    const seen = new Map<number | string, number>()
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.shuffledSubarray([...PLACES], { minLength: 1 }),
        fc.boolean(),
        async (request, places, optional) => {
          const outcome = await authenticatorFor(places, optional).authenticate(view(request))
          const status =
            outcome.kind === 'refused' ? outcome.response.status : outcome.kind === 'anonymous' ? 'anonymous' : 200
          expect(status).toBe(expected(request, places, optional))
          if (outcome.kind === 'authenticated') {
            const sent = places.map((name) => request[name].meaning).filter(({ kind }) => kind === 'token')
            expect(sent.length).toBeGreaterThan(0)
            expect(outcome.token.token).toBe((sent[0] as { token: string }).token)
          }
          if (outcome.kind === 'refused') {
            expect(outcome.response.headers['www-authenticate']).toMatch(/^Bearer realm="api"/)
            expect(outcome.error.message).not.toContain(tokens.good.slice(0, 12))
          }
          seen.set(status, (seen.get(status) ?? 0) + 1)
        },
      ),
      { seed, numRuns: 5000 },
    )
    // The generator produces every answer often enough.
    for (const status of [200, 400, 401, 'anonymous']) expect(seen.get(status), String(status)).toBeGreaterThan(100)
  })

  it('throw nothing, whatever the texts are', async () => {
    const texts = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom('Bearer ', ',', '\t', '="', tokens.expired),
      ),
      { maxLength: 4 },
    )
    const text = texts.map((parts) => parts.join(''))
    const strict = createAuthenticator({ verifier, credentials: PLACES.map((name) => SOURCES[name]), optional: true })
    const anything = fc.record({
      method: fc.constantFrom('GET', 'POST', 'options', ''),
      target: text,
      fields: fc.dictionary(
        fc.constantFrom('authorization', 'x-access-token', 'cookie', 'content-type'),
        fc.array(
          fc.oneof(
            text,
            fc.constant(FORM),
            text.map((value) => `token=${value}`),
          ),
          { maxLength: 3 },
        ),
      ),
      form: fc.oneof(fc.anything(), fc.record({ access_token: fc.anything() })),
    })
    await fc.assert(
      fc.asyncProperty(anything, async ({ method, target, fields, form }) => {
        const fieldOf = (name: string): readonly string[] => (Object.hasOwn(fields, name) ? (fields[name] ?? []) : [])
        const outcome = await strict.authenticate({ method, target, header: fieldOf, form: async () => form as never })
        if (outcome.kind === 'refused') expect([400, 401]).toContain(outcome.response.status)
        else expect(outcome.kind).toBe('anonymous')
      }),
      { seed, numRuns: 1000 },
    )
  })
})

describe.each([
  ['Express 5', startExpress(express, 'in the options')],
  ['Fastify 5', startFastify],
  ['fetch', startFetch],
])('credentials of every kind in every place at once, over HTTP: %s', (_name, start) => {
  let adapter: StartedAdapter
  beforeAll(async () => {
    const services = createServices(jwks, 'http://127.0.0.1:9/jwks.json')
    const wanted = ['/orders/places', '/orders/optional-places'] as const
    adapter = await start(Object.fromEntries(wanted.map((path) => [path, services[path]])) as unknown as Services)
  })
  afterAll(() => adapter.close())

  it('get the same answers, and reach the service only for a good token or if anonymous requests are allowed', async () => {
    await fc.assert(
      fc.asyncProperty(requests, fc.boolean(), async (request, optional) => {
        const before = adapter.served()
        const { status } = await sendRaw(adapter.port, {
          method: 'POST',
          target: `${optional ? '/orders/optional-places' : '/orders/places'}?${pairs(request.query.values)}`,
          fields: [
            ...request.authorization.values.map((value) => `Authorization: ${value}`),
            ...request.header.values.map((value) => `X-Access-Token: ${value}`),
            ...cookieLine(request.cookie.values).map((value) => `Cookie: ${value}`),
            `Content-Type: ${FORM}`,
          ],
          body: pairs(request.form.values),
        })
        const answer = expected(request, PLACES, optional)
        expect(status).toBe(answer === 'anonymous' ? 200 : answer)
        expect(adapter.served() - before).toBe(status === 200 ? 1 : 0)
      }),
      { seed, numRuns: 400 },
    )
  })
})
