import type { LookupFunction } from 'node:net'

import {
  AuthError,
  createVerifier,
  optionsFromEnv,
  type SingleIssuerOptions,
  type VerifierEvent,
} from '@claimgate/core'
import { PublicAddressError, undiciFetch } from '@claimgate/core/node'
import { createTestKeys, startFaultyJwksServer, type FaultyJwksServer } from '@claimgate/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { verdict } from '../../../support/resilience/verdict.ts'
import { causeOf } from '../../../support/resilience/world.ts'

const signing = await createTestKeys('ES256', { kid: 'a' })
let server: FaultyJwksServer
let host: string
let issuer: string
beforeAll(async () => {
  server = await startFaultyJwksServer({ jwks: { keys: [signing.publicJwk] } })
  host = `keycloak:${server.port}`
  issuer = `http://${host}/realms/one`
})
afterAll(async () => server.close())
afterEach(() => server.forget())

const resolvesTo =
  (...addresses: readonly string[]): LookupFunction =>
  (_name, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (all) callback(null, found)
    else callback(null, found[0]?.address ?? '', found[0]?.family)
  }

const token = async (iss: string): Promise<string> => {
  const now = Math.floor(Date.now() / 1000)
  return signing.sign({ iss, aud: 'api', sub: 'someone', iat: now, exp: now + 600 })
}

function setUp(options: Partial<SingleIssuerOptions>, lookup = resolvesTo('127.0.0.1')) {
  const events: VerifierEvent[] = []
  const onEvent = (event: VerifierEvent): void => void events.push(event)
  const fetch = undiciFetch({ lookup })
  const verifier = createVerifier({ issuer, audience: 'api', fetch, onEvent, ...options })
  return { verifier, plainHttp: () => events.filter(({ type }) => type === 'keys.plain_http') }
}

const describes = (metadata: object): void => {
  server.at('/realms/one/.well-known/openid-configuration').behave({ kind: 'ok', body: () => metadata })
}

describe('section D: plain http to a host that is allowed by name', () => {
  it('25. fetches the configured key set over http, and reports it at start-up', async () => {
    const jwksUri = `http://${host}/jwks.json`
    const { verifier, plainHttp } = setUp({ issuer: 'https://issuer.example', jwksUri, allowHttpHosts: [host] })
    expect(plainHttp()).toEqual([{ type: 'keys.plain_http', uri: jwksUri }])
    expect(server.stats().connections).toBe(0)
    expect(await verdict(verifier.verify(await token('https://issuer.example')))).toBe('verified')
    expect(plainHttp()).toHaveLength(1)
  })

  it('25. fetches metadata of an issuer from the environment over http, and its keys from the same host', async () => {
    describes({ issuer, jwks_uri: `http://${host}/jwks.json` })
    const env = { JWT_ISSUER: issuer, JWT_AUDIENCE: 'api', JWT_ALLOW_HTTP_HOSTS: host }
    const { verifier, plainHttp } = setUp(optionsFromEnv(env))
    expect(plainHttp()).toEqual([{ type: 'keys.plain_http', uri: issuer }])
    expect(await verdict(verifier.verify(await token(issuer)))).toBe('verified')
  })

  it.each([
    ['nothing is allowed', undefined],
    ['another port is allowed', ['keycloak']],
    ['another host is allowed', ['localhost:8080']],
  ])('25. is rejected at start-up if %s, and the message names the option and the variable', (_, allowHttpHosts) => {
    const options = allowHttpHosts === undefined ? {} : { allowHttpHosts }
    const wanted = new RegExp(`allowHttpHosts: \\["${host}"\\], or JWT_ALLOW_HTTP_HOSTS`)
    expect(() => setUp(options)).toThrow(wanted)
    expect(() => setUp({ jwksUri: `http://${host}/jwks.json`, ...options })).toThrow(wanted)
  })

  it('25. is not allowed for metadata of an https issuer', async () => {
    const asked: string[] = []
    const { verifier, plainHttp } = setUp({
      issuer: 'https://issuer.example',
      allowHttpHosts: [host],
      allowedKeyHosts: ['keycloak'],
      fetch: async (url: string) => {
        asked.push(url)
        return Response.json({ issuer: 'https://issuer.example', jwks_uri: `http://${host}/jwks.json` })
      },
    })
    expect(await verdict(verifier.verify(await token('https://issuer.example')))).toBe('503 keys_unavailable')
    expect(asked).toEqual(['https://issuer.example/.well-known/openid-configuration'])
    expect(plainHttp()).toEqual([])
  })

  it.each([
    ['another allowed host', 'auth:8080', ['auth:8080'], ['auth']],
    ['another port', 'keycloak:1', ['keycloak:1'], []],
    ['this machine', '127.0.0.1:1', [], ['127.0.0.1']],
  ])(
    '25. does not allow its metadata to name another host over plain http: %s',
    async (_, other, alsoHttp, allowedKeyHosts) => {
      describes({ issuer, jwks_uri: `http://${other}/jwks.json` })
      const { verifier } = setUp({ allowHttpHosts: [host, ...alsoHttp], allowedKeyHosts })
      const refusal: unknown = await verifier.verify(await token(issuer)).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(AuthError)
      expect(causeOf(refusal)).toMatchObject({ reason: 'uri_not_allowed' })
      expect(server.stats().requests.map(({ path }) => path)).toEqual(['/realms/one/.well-known/openid-configuration'])
    },
  )

  it.each([[['93.184.216.34']], [['127.0.0.1', '93.184.216.34']], [['2606:4700::1111']], [[]]])(
    '25. is not connected to while the host resolves to %j',
    async (addresses) => {
      const { verifier } = setUp(
        { jwksUri: `http://${host}/jwks.json`, allowHttpHosts: [host] },
        resolvesTo(...addresses),
      )
      const refusal: unknown = await verifier.verify(await token(issuer)).catch((error: unknown) => error)
      expect(causeOf(refusal).cause).toBeInstanceOf(PublicAddressError)
      expect(String(refusal)).toContain('ERR_PUBLIC_ADDRESS: "keycloak is, or resolves to, a public address')
      expect(server.stats().connections).toBe(0)
    },
  )

  it('25. is not connected to if the host is a public IP address', async () => {
    const { verifier } = setUp({ jwksUri: 'http://93.184.216.34/keys', allowHttpHosts: ['93.184.216.34'] })
    const refusal: unknown = await verifier.verify(await token(issuer)).catch((error: unknown) => error)
    expect(causeOf(refusal).cause).toBeInstanceOf(PublicAddressError)
  })

  it.each(['jwks', 'publicKey', 'secret', 'keys'])('25. has no meaning with "%s", and is rejected', (name) => {
    expect(() => setUp({ [name]: 'x', allowHttpHosts: [host] })).toThrow(
      /"allowHttpHosts" is for keys that are fetched/,
    )
  })

  it('25. is checked for each of several issuers, even if they share a URL', () => {
    const jwksUri = `http://${host}/jwks.json`
    const common = { audience: 'api', jwksUri }
    const [one, two] = ['https://one.example', 'https://two.example'].map((name) => ({ ...common, issuer: name }))
    expect(() => createVerifier({ issuers: [{ ...one, allowHttpHosts: [host] }, two] as never })).toThrow(
      /allowHttpHosts/,
    )
  })
})
