import { scope } from '@claimgate/core'
import { createMemoryReplayStore, dpop, type DpopOptions } from '@claimgate/core/dpop'
import express5 from 'express'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AUDIENCE, createCredentials, ISSUER } from '../support/contract/credentials.ts'
import {
  badProof,
  badToken,
  challenging,
  type Expected,
  forbidden,
  served,
  unauthenticated,
  undecided,
  withHeaders,
} from '../support/contract/expected.ts'
import { startExpress } from '../support/contract/express-adapter.ts'
import { startFastify } from '../support/contract/fastify-adapter.ts'
import { startFetch } from '../support/contract/fetch-adapter.ts'
import { startHono } from '../support/contract/hono-adapter.ts'
import { startLambda } from '../support/contract/lambda-adapter.ts'
import { startNest } from '../support/contract/nestjs-adapter.ts'
import { type RawRequest, type RawResponse, sendRaw } from '../support/contract/raw-request.ts'
import { contractRows, type Row } from '../support/contract/rows.ts'
import { seen, wanted } from '../support/contract/seen.ts'
import { createServices, type Services, withBindings } from '../support/contract/services.ts'
import { listen, type StartAdapter, type StartedAdapter } from '../support/contract/started-adapter.ts'
import { createDpopClient, type ProofChanges } from '../support/dpop/client.ts'
import { httpApi, restApi } from '../support/lambda/events.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5
const ORIGIN = 'https://orders.example.com'
const ALGS = 'ES256'
const client = await createDpopClient()
const other = await createDpopClient()
const { jwks, tokens } = await createCredentials()
const bound = await createCredentials({ cnf: { jkt: client.jkt } })

const adapters: readonly (readonly [string, StartAdapter])[] = [
  ['Express 4', startExpress(express4, 'in the options')],
  ['Express 5', startExpress(express5, 'in the options')],
  ['Fastify 5', startFastify],
  ['fetch', startFetch],
  ['Hono', startHono('in the options')],
  ['NestJS on Express', startNest('Express')],
  ['NestJS on Fastify', startNest('Fastify')],
  ['Lambda behind a REST API', startLambda(restApi)],
  ['Lambda behind an HTTP API', startLambda(httpApi)],
]

const binding = (changes: Partial<DpopOptions> = {}) =>
  dpop({ origin: ORIGIN, replay: createMemoryReplayStore(), algorithms: [ALGS], ...changes })

const proofFor = async (token: string, target: string, { claims, ...rest }: ProofChanges = {}): Promise<string> => {
  const htu = `${ORIGIN}${target.replace(/\?.*/, '')}`
  return client.proof(token, { ...rest, claims: { htu, iat: Math.floor(Date.now() / 1000), ...claims } })
}

const fieldsOf = ({ request: { fields = [] } }: Row): readonly string[] => fields
const services = (deadUri: string): Services => withBindings(createServices(jwks, deadUri), [binding()])
const paths = new Set(Object.keys(services('http://127.0.0.1/jwks.json')))
const pathOf = ({ request }: Row): string => request.target.replace(/\?.*/, '')
/** Rows of services without other bindings. */
const isOfAll = (row: Row): boolean => paths.has(pathOf(row))
/** With DPoP, a token is in one place alone. */
const isInOnePlace = (row: Row): boolean => !/places|forwarded|bare|extracted|cookie|tenants|user/.test(pathOf(row))
/** The token of a row with one Bearer credential. */
const tokenOf = (row: Row): string | undefined => {
  const [field = '', ...others] = fieldsOf(row).filter((each) => /^authorization/i.test(each))
  return others.length === 0 ? ONE_BEARER.exec(field)?.[1] : undefined
}
const ONE_BEARER = /^Authorization: Bearer ([^ ,]+)$/
const parametersOf = (challenge: string): string => challenge.slice('Bearer '.length)

/** The same answer with a challenge for DPoP. An error is in the challenge of the scheme that was used, or in both if that is unclear. */
function inTwoSchemes(expected: Expected, used: 'Bearer' | 'DPoP' | 'unclear'): Expected {
  if (expected.headers === 'unchecked' || expected.headers['www-authenticate'] === undefined) return expected
  return challenging(expected, (bearer) => {
    const bare = /^Bearer realm="[^"]*"/.exec(bearer)?.[0] ?? ''
    const hasError = bearer.includes(' error=')
    const [one, two] = [hasError && used === 'DPoP' ? bare : bearer, hasError && used === 'Bearer' ? bare : bearer]
    return `${one}, DPoP ${parametersOf(two)}, algs="${ALGS}"`
  })
}

describe.each(adapters)('40. The adapter contract with DPoP on: %s', (_, start) => {
  let adapter: StartedAdapter

  beforeAll(async () => {
    const { port, close } = await listen(createServer())
    await close()
    adapter = await start(services(`http://127.0.0.1:${port}/jwks.json`))
  })

  afterAll(() => adapter.close())

  const answerTo = async (request: RawRequest): Promise<object> => {
    const before = adapter.served()
    const answer = seen(await sendRaw(adapter.port, request))
    return { ...answer, reaches: adapter.served() === before ? 'nothing' : 'service' }
  }
  const all = (expected: Expected): object => ({ ...wanted(expected), reaches: expected.reaches })

  it.each(contractRows(tokens).filter((row) => isOfAll(row) && isInOnePlace(row)))(
    'Bearer: $name',
    async ({ name, request, expected }) => {
      // With the binding, its scheme is known.
      const isDpop = /^(?:a DPoP token|DPoP if)/.test(name)
      const used = isDpop ? 'DPoP' : tokenOf({ name, request, expected }) === undefined ? 'unclear' : 'Bearer'
      expect(await answerTo(request)).toEqual(all(inTwoSchemes(isDpop ? badToken : expected, used)))
    },
  )

  it.each(contractRows(bound.tokens).filter((row) => isOfAll(row) && isInOnePlace(row) && tokenOf(row) !== undefined))(
    'DPoP: $name',
    async (row) => {
      const { request, expected } = row
      const htm = request.method ?? 'GET'
      const proof = `DPoP: ${await proofFor(tokenOf(row) ?? '', request.target, { claims: { htm } })}`
      const fields = [...fieldsOf(row).map((field) => field.replace(ONE_BEARER, 'Authorization: DPoP $1')), proof]
      expect(await answerTo({ ...request, fields })).toEqual(all(inTwoSchemes(expected, 'DPoP')))
    },
  )
})

/** What a request to `/orders` proves, and the answer to it. */
interface ProofRow {
  readonly name: string
  readonly fields: (port: number) => Promise<readonly string[]>
  readonly expected: Expected
  readonly target?: string
}

const dpopFields = async (
  token: string,
  changes: ProofChanges = {},
  target = '/orders',
): Promise<readonly string[]> => [`Authorization: DPoP ${token}`, `DPoP: ${await proofFor(token, target, changes)}`]
const { good, withoutScope } = bound.tokens
const inDpop = (expected: Expected): Expected => inTwoSchemes(expected, 'DPoP')
const exposed = (expected: Expected, names = 'WWW-Authenticate'): Expected =>
  withHeaders(expected, { 'access-control-expose-headers': names })
const WELCOME = served('alice may orders:read orders:write')

const PROOFS: readonly ProofRow[] = [
  { name: 'a good proof', fields: () => dpopFields(good), expected: WELCOME },
  {
    name: 'no proof',
    fields: async () => [`Authorization: DPoP ${good}`],
    expected: exposed(inDpop(badProof('invalid_dpop_proof'))),
  },
  {
    name: 'two proofs',
    fields: async () => [...(await dpopFields(good)), `DPoP: ${await proofFor(good, '/orders')}`],
    expected: exposed(inDpop(badProof('invalid_dpop_proof'))),
  },
  {
    name: 'a proof for another method',
    fields: () => dpopFields(good, { claims: { htm: 'POST' } }),
    expected: exposed(inDpop(badProof('invalid_dpop_proof'))),
  },
  {
    name: 'a proof for the host that the client names',
    fields: async (port) => {
      const htu = `http://127.0.0.1:${port}/orders`
      return [...(await dpopFields(good, { claims: { htu } })), `X-Forwarded-Host: 127.0.0.1:${port}`]
    },
    expected: exposed(inDpop(badProof('invalid_dpop_proof'))),
  },
  {
    name: 'a proof of another key',
    fields: async () => {
      const htu = `${ORIGIN}/orders`
      const proof = await other.proof(good, { claims: { htu, iat: Math.floor(Date.now() / 1000) } })
      return [`Authorization: DPoP ${good}`, `DPoP: ${proof}`]
    },
    expected: exposed(inDpop(badToken)),
  },
  {
    name: 'a bound token as Bearer',
    fields: async () => [`Authorization: Bearer ${good}`, `DPoP: ${await proofFor(good, '/orders')}`],
    expected: exposed(inTwoSchemes(badToken, 'Bearer')),
  },
  {
    name: 'a plain token as DPoP',
    fields: () => dpopFields(tokens.good),
    expected: exposed(inDpop(badToken)),
  },
  {
    name: 'a token without the scope',
    fields: () => dpopFields(withoutScope, {}, '/orders/write'),
    target: '/orders/write',
    expected: exposed(inDpop(forbidden('orders:write'))),
  },
  {
    name: 'no credentials',
    fields: async () => [],
    target: '/orders/write',
    expected: exposed(inTwoSchemes(unauthenticated('orders:write'), 'unclear')),
  },
]

describe.each(adapters)('41. The challenges of DPoP: %s', (_, start) => {
  let adapter: StartedAdapter
  let offset = 0
  const clock = { now: () => Date.now() + offset }

  /** `/orders/both` and `/orders/acme` demand nonces, and the store of `/orders/either` is down. */
  beforeAll(async () => {
    const verifier = { issuer: ISSUER, audience: AUDIENCE, jwks, exposeChallenge: true }
    const nonces = { secret: 'a secret of at least thirty-two bytes', lifetime: 300 }
    const replay = { insertIfAbsent: () => Promise.reject(new Error('down')) }
    adapter = await start({
      '/orders': { options: { ...verifier, bindings: [binding()] } },
      '/orders/write': { options: { ...verifier, bindings: [binding()] }, requirement: scope('orders:write') },
      '/orders/both': { options: { ...verifier, bindings: [binding({ nonces, clock })] } },
      '/orders/acme': { options: { ...verifier, bindings: [binding({ nonces, clock })] }, requirement: scope('admin') },
      '/orders/either': { options: { ...verifier, bindings: [binding({ replay })] } },
    } as unknown as Services)
  })

  afterAll(() => adapter.close())

  const send = async (target: string, fields: readonly string[]): Promise<RawResponse> =>
    sendRaw(adapter.port, { target, fields })
  const noncesOf = ({ headers }: RawResponse): readonly string[] => headers.get('dpop-nonce')?.split(' | ') ?? []

  it.each(PROOFS)('$name', async ({ fields, target = '/orders', expected }) => {
    const before = adapter.served()
    expect(seen(await send(target, await fields(adapter.port)))).toEqual(wanted(expected))
    expect(adapter.served() - before).toBe(expected.reaches === 'service' ? 1 : 0)
  })

  it('100 copies at once are served once', async () => {
    const before = adapter.served()
    const fields = await dpopFields(good)
    const answers = await Promise.all(Array.from({ length: 100 }, async () => seen(await send('/orders', fields))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(99)
    expect(answers.find(({ status }) => status === 401)).toEqual(
      wanted(exposed(inDpop(badProof('invalid_dpop_proof')))),
    )
    expect(adapter.served() - before).toBe(1)
  })

  it('a store that is down', async () => {
    const answer = await send('/orders/either', await dpopFields(good, {}, '/orders/either'))
    expect(seen(answer)).toEqual(wanted(undecided('1')))
  })

  it('a nonce is sent once with each answer that has one, and can be read by scripts', async () => {
    const first = await send('/orders/both', await dpopFields(good, {}, '/orders/both'))
    const [nonce, ...others] = noncesOf(first)
    expect(others).toEqual([])
    const refused = exposed(inDpop(badProof('use_dpop_nonce')), 'WWW-Authenticate, DPoP-Nonce')
    expect(seen(first)).toEqual(wanted(withHeaders(refused, { 'dpop-nonce': nonce ?? 'none' })))

    const call = async (target: string): Promise<RawResponse> =>
      send(target, await dpopFields(good, { claims: { nonce } }, target))
    const early = await call('/orders/both')
    expect(seen(early)).toEqual(wanted(WELCOME))

    offset = 200_000
    const next = { 'dpop-nonce': /^\w+\.[\w-]{43}$/, 'access-control-expose-headers': 'dpop-nonce' }
    expect(seen(await call('/orders/both'))).toEqual(wanted(withHeaders(WELCOME, next)))
    const denied = exposed(inDpop(forbidden('admin')), 'WWW-Authenticate, dpop-nonce')
    const { 'dpop-nonce': pattern } = next
    expect(seen(await call('/orders/acme'))).toEqual(wanted(withHeaders(denied, { 'dpop-nonce': pattern })))
  })
})
