import { createVerifier, firstOf } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { AUDIENCE, ISSUER } from '../../support/core/jose-tokens.ts'

const create = (options: object): unknown => createVerifier({ issuer: ISSUER, audience: AUDIENCE, ...options })
const secret = 's'.repeat(32)
const jwksUri = 'https://keys.example/jwks'
const keys = { resolve: () => Promise.reject(new Error('no key')) }

describe('where keys come from', () => {
  it.each<readonly [string, object, string]>([
    [
      'allowedKeyHosts beside an address',
      { jwksUri, allowedKeyHosts: ['a.example'] },
      '"allowedKeyHosts" is for discovery',
    ],
    [
      'metadataUri beside keys',
      { keys, metadataUri: 'https://a.example/m' },
      '"metadataUri" is for discovery: leave it out if keys are given or have an address, found ["keys"]',
    ],
    [
      'allowHttpHosts beside keys',
      { keys, allowHttpHosts: ['a:80'] },
      '"allowHttpHosts" is for keys that are fetched: leave it out if keys are given, found ["keys"]',
    ],
    [
      'a host with a port',
      { allowedKeyHosts: ['a.example:8443'] },
      '"allowedKeyHosts" must be a list of host names as URLs spell them, without port',
    ],
    ['a host in upper case', { allowedKeyHosts: ['A.example'] }, '"allowedKeyHosts" must be a list'],
    ['a host with a path', { allowedKeyHosts: ['a.example/b'] }, '"allowedKeyHosts" must be a list'],
    ['a host with a space', { allowedKeyHosts: ['a b'] }, '"allowedKeyHosts" must be a list'],
    ['a number as host', { allowedKeyHosts: ['a.example', 1] }, '"allowedKeyHosts" must be a list'],
    ['a host without a list', { allowedKeyHosts: 'a.example' }, '"allowedKeyHosts" must be a list'],
    [
      'a secret beside an address',
      { secret, jwksUri },
      'or for a secret and public keys side by side "keys": firstOf({ secret }, { jwksUri })',
    ],
    [
      'firstOf with default algorithms',
      { keys: firstOf({ secret }, { jwksUri }) },
      'with firstOf, "algorithms" must list those of the secret and those of the public keys, such as ["HS256", "ES256"]',
    ],
    [
      'firstOf with algorithms of the secret only',
      { keys: firstOf({ secret }, { jwksUri }), algorithms: ['HS256'] },
      'with firstOf, "algorithms" must list',
    ],
    [
      'firstOf with algorithms of public keys only',
      { keys: firstOf({ secret }, { jwksUri }), algorithms: ['ES256', 'RS256'] },
      'with firstOf, "algorithms" must list',
    ],
    [
      'an unknown algorithm with firstOf',
      { keys: firstOf({ secret }, { jwksUri }), algorithms: ['HS256', 'none'] },
      'a name that is no signature algorithm, found "none"',
    ],
    ['keys without resolve', { keys: { resolve: true } }, '"keys" must be a key source with a resolve method'],
    [
      'any issuer without keys',
      { issuer: null },
      'with "issuer": null, say where keys come from: "jwksUri", "jwks", "publicKey", "secret" or "keys"',
    ],
    [
      'an undefined publicKey',
      { publicKey: undefined },
      '"publicKey" must not be undefined: give it a value, or leave it out for discovery',
    ],
    ['an undefined allowedKeyHosts', { allowedKeyHosts: undefined }, '"allowedKeyHosts" must not be undefined'],
  ])('cannot be %s', (_, options, message) => {
    expect(() => create(options)).toThrow(message)
    expect(() => create(options)).toThrow(/^Cannot create verifier: /)
  })

  it.each<readonly [string, object]>([
    ['discovery from some hosts', { allowedKeyHosts: ['keys.example', '[::1]', '127.0.0.1'] }],
    ['discovery by an address', { metadataUri: 'https://a.example/m' }],
    ['an address with http', { jwksUri: 'http://keycloak:8080/jwks', allowHttpHosts: ['keycloak:8080'] }],
    ['firstOf', { keys: firstOf({ secret }, { jwksUri }), algorithms: ['HS256', 'ES256'] }],
    ['an own key source of any issuer', { issuer: null, keys }],
    ['an undefined address', { jwksUri: undefined }],
  ])('can be %s', (_, options) => {
    expect(create(options)).toBeDefined()
  })

  it.each<readonly [string, object, string]>([
    [
      'two places',
      { jwksUri, jwks: { keys: [] } },
      'give one of "jwksUri", "jwks", "publicKey", "secret", "keys", found ["jwksUri","jwks"]',
    ],
    ['a number as keys', { keys: 5 }, '"keys" must be a key source with a resolve method, found 5'],
    [
      'a number as client',
      { clientId: 5 },
      '"clientId" must be the ID of the client whose tokens are accepted, or a list of IDs, found 5',
    ],
    [
      'a number among required claims',
      { requiredClaims: ['sub', 1] },
      '"requiredClaims" must be a list of claim names',
    ],
    [
      'a check without a name',
      { checks: [{ check: async () => {} }] },
      'each of "checks" must be an object { name, check }',
    ],
    ['a proxy beside fetch', { keySet: { proxy: 'http://proxy.example' }, fetch: async () => new Response() }, 'proxy'],
  ])('cannot have %s', (_, options, message) => {
    expect(() => create(options)).toThrow(message)
  })

  it('belongs to each of several issuers', () => {
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE }]
    const several = (more: object) => () => createVerifier({ issuers, ...more })
    expect(several({})).not.toThrow()
    expect(several({ jwksUri })).toThrow(
      'Cannot create verifier: with "issuers", "jwksUri" belongs to each issuer of the list',
    )
    expect(several({ clientId: undefined })).toThrow('with "issuers", "clientId" belongs to each issuer of the list')
    expect(several({ issuer: undefined, jwksUri: undefined })).not.toThrow()
    expect(several({ issuers: 5 })).toThrow(
      '"issuers" must be a list of policies, or an async function from an iss to a policy',
    )
  })

  it('may be a plan, whose source is made once for all issuers with its name', () => {
    const made: unknown[] = []
    const plan = (name: string) => ({
      name,
      create: (options: { clock?: unknown }) => (made.push([name, typeof options.clock]), keys),
    })
    const issuers = ['a', 'a', 'b'].map((name, index) => ({
      issuer: `https://i${index}.example`,
      audience: AUDIENCE,
      keys: plan(name),
    }))
    createVerifier({ issuers })
    expect(made).toEqual([
      ['a', 'object'],
      ['b', 'object'],
    ])
  })

  it('refuses ML-DSA if the runtime lacks it', () => {
    const subtle = (globalThis as { SubtleCrypto?: { supports?: unknown } }).SubtleCrypto
    const create44 = (): unknown => create({ keys, algorithms: ['ML-DSA-44'] })
    if (typeof subtle?.supports === 'function') expect(create44()).toBeDefined()
    else expect(create44).toThrow('this JavaScript runtime does not have ML-DSA-44: take it out of "algorithms"')
  })
})
