import { AuthError, createVerifier, type Verifier, type SingleIssuerOptions } from '@claimgate/core'
import {
  createTestKeys,
  startFaultyJwksServer,
  startTestIssuer,
  unresolvable,
  type FaultyJwksServer,
} from '@claimgate/testing'
import { afterEach, describe, expect, it } from 'vitest'

import { verdict } from '../../../support/resilience/verdict.ts'
import { causeOf } from '../../../support/resilience/world.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})
function closing<T extends { close(): unknown }>(one: T): T {
  open.push(one)
  return one
}

const signing = await createTestKeys('ES256', { kid: 'a' })
const claims = (iss: string) => {
  const now = Math.floor(Date.now() / 1000)
  return { iss, aud: 'api', sub: 'someone', iat: now, exp: now + 600 }
}
const verifierOf = (options: Partial<SingleIssuerOptions> & { readonly issuer: string }): Verifier =>
  closing(createVerifier({ audience: 'api', ...options }))

describe('section D: finding the keys', () => {
  it('24. a token of an unknown issuer is refused and causes no connection, wherever its iss points', async () => {
    const { issuer, server } = closing(await startTestIssuer({ audience: 'api' }))
    const other = closing(await startFaultyJwksServer({ jwks: { keys: [signing.publicJwk] } }))
    const verifier = verifierOf({ issuer: issuer.issuer })
    const unknown = [
      other.origin,
      `${issuer.issuer}/`,
      issuer.issuer.replace('127.0.0.1', 'localhost'),
      issuer.issuer.toUpperCase(),
      `${issuer.issuer}/../..`,
      unresolvable(),
      'file:///etc/passwd',
      '__proto__',
      'constructor',
      '',
    ]
    for (const iss of unknown)
      expect([iss, await verdict(verifier.verify(await signing.sign(claims(iss))))]).toEqual([
        iss,
        '401 issuer_mismatch',
      ])
    for (const iss of [undefined, null, 1, [issuer.issuer], { issuer: issuer.issuer }]) {
      const token = await signing.sign({ ...claims(''), iss })
      expect(await verdict(verifier.verify(token))).toMatch(/^401 /)
    }
    expect(server.stats().connections).toBe(0)
    expect(other.stats().connections).toBe(0)
    expect(await verdict(verifier.verify(await issuer.issue({ sub: 'someone' })))).toBe('verified')
  })

  it('24. among several issuers only the exact one is requested, and the others receive no connection', async () => {
    const [one, two] = [
      closing(await startTestIssuer({ audience: 'api' })),
      closing(await startTestIssuer({ audience: 'api' })),
    ]
    const issuers = [one, two].map(({ issuer }) => ({ issuer: issuer.issuer, audience: 'api' }))
    const verifier = closing(createVerifier({ issuers }))
    const other = closing(await startFaultyJwksServer({ jwks: { keys: [signing.publicJwk] } }))
    expect(await verdict(verifier.verify(await signing.sign(claims(other.origin))))).toMatch(/^401 /)
    expect([one, two].map(({ server }) => server.stats().connections)).toEqual([0, 0])
    expect(await verdict(verifier.verify(await two.issuer.issue({ sub: 'someone' })))).toBe('verified')
    expect([one.server, other].map((server) => server.stats().connections)).toEqual([0, 0])
  })
})

describe('section D: discovery', () => {
  interface Metadata {
    readonly [member: string]: unknown
  }

  /** An issuer whose metadata is changed in transit, and the result for a good token of it. */
  async function discover(
    change: (metadata: Metadata, server: FaultyJwksServer) => unknown,
    options: Partial<Omit<SingleIssuerOptions, 'issuer'>> = {},
  ) {
    const { issuer, server } = closing(await startTestIssuer({ audience: 'api' }))
    const body = () => change({ ...issuer.metadata() }, server)
    for (const name of ['openid-configuration', 'oauth-authorization-server'])
      server.at(`/.well-known/${name}`).behave({ kind: 'ok', body })
    const verifier = verifierOf({ issuer: issuer.issuer, ...options })
    const refusal: unknown = await verifier
      .verify(await issuer.issue({ sub: 'someone' }))
      .catch((error: unknown) => error)
    const outcome = refusal instanceof AuthError ? `${refusal.status} ${causeOf(refusal).reason}` : 'verified'
    return { outcome, paths: server.stats().requests.map(({ path }) => path) }
  }

  it('25. accepts metadata that names exactly the configured issuer', async () => {
    const { outcome, paths } = await discover((metadata) => metadata)
    expect(outcome).toBe('verified')
    expect(paths).toEqual(['/.well-known/openid-configuration', '/.well-known/jwks.json'])
  })

  it.each<[string, (issuer: string) => unknown]>([
    ['another', () => 'https://issuer.example'],
    ['an extra slash', (issuer) => `${issuer}/`],
    ['other case', (issuer) => issuer.toUpperCase()],
    ['another name of the same host', (issuer) => issuer.replace('127.0.0.1', 'localhost')],
    ['a list', (issuer) => [issuer]],
    ['nothing', () => undefined],
    ['null', () => null],
  ])('25. requests no keys if the metadata names %s as the issuer', async (_, name) => {
    const { outcome, paths } = await discover((metadata) => ({ ...metadata, issuer: name(String(metadata['issuer'])) }))
    expect(outcome).toBe('503 issuer_mismatch')
    expect(paths).toEqual(['/.well-known/openid-configuration'])
  })

  it.each<[string, (origin: string) => unknown]>([
    ['plain http to another host', () => 'http://issuer.example/jwks.json'],
    ['plain http to a private address', () => 'http://10.0.0.1/jwks.json'],
    ['credentials', (origin) => `${origin.replace('://', '://name:secret@')}/jwks.json`],
    ['a user name without password', (origin) => `${origin.replace('://', '://name@')}/jwks.json`],
    ['a fragment', (origin) => `${origin}/jwks.json#keys`],
    ['data:', () => `data:application/json,${JSON.stringify({ keys: [signing.publicJwk] })}`],
    ['file:', () => 'file:///etc/keys.json'],
    ['ftp:', (origin) => origin.replace('http', 'ftp')],
    ['another host', () => 'https://keys.example/jwks.json'],
    ['another name of the same machine', (origin) => `${origin.replace('127.0.0.1', 'localhost')}/jwks.json`],
    ['a subdomain of the host', () => 'https://127.0.0.1.example/jwks.json'],
    ['a relative URL', () => '/jwks.json'],
    ['an object', (origin) => ({ href: `${origin}/jwks.json` })],
    ['nothing', () => undefined],
  ])('25. requests no keys if the jwks_uri is or has %s', async (_, jwksUri) => {
    const { outcome, paths } = await discover((metadata, { origin }) => ({ ...metadata, jwks_uri: jwksUri(origin) }))
    expect(outcome).toMatch(/^503 (uri_not_allowed|malformed)$/)
    expect(paths).toEqual(['/.well-known/openid-configuration'])
  })

  it('25. accepts keys on another host that is allowed by name, and on no other', async () => {
    const change = (metadata: Metadata, { origin }: FaultyJwksServer) => ({
      ...metadata,
      jwks_uri: `${origin.replace('127.0.0.1', 'localhost')}/.well-known/jwks.json`,
    })
    expect((await discover(change, { allowedKeyHosts: ['localhost'] })).outcome).toBe('verified')
    expect((await discover(change, { allowedKeyHosts: ['keys.localhost'] })).outcome).toBe('503 uri_not_allowed')
  })

  it('25. requests nothing over plain http, not even from this machine, if that is not allowed or the issuer is on https', async () => {
    const { issuer, server } = closing(await startTestIssuer())
    expect(() => verifierOf({ issuer: issuer.issuer, keySet: { allowLoopbackHttp: false } })).toThrow(
      /allowLoopbackHttp/,
    )
    expect(() => verifierOf({ issuer: 'http://issuer.example' })).toThrow(/https/)
    const asked: string[] = []
    const verifier = verifierOf({
      issuer: 'https://issuer.example',
      allowedKeyHosts: ['127.0.0.1'],
      fetch: async (url: string | URL | Request) => {
        asked.push(new Request(url).url)
        return Response.json({ issuer: 'https://issuer.example', jwks_uri: server.url })
      },
    })
    expect(await verdict(verifier.verify(await signing.sign(claims('https://issuer.example'))))).toBe(
      '503 keys_unavailable',
    )
    expect(asked).toEqual(['https://issuer.example/.well-known/openid-configuration'])
    expect(server.stats().connections).toBe(0)
  })

  it.each([
    'https://name:secret@issuer.example',
    'https://issuer.example#x',
    'data:,x',
    'file:///issuer',
    'issuer.example',
  ])('25. discovers nothing from an issuer such as %s', (issuer) => {
    expect(() => verifierOf({ issuer })).toThrow(TypeError)
  })
})
