import { type Authenticator, createAuthenticator, createVerifier, scope } from '@claimgate/core'
import {
  type AdapterRules,
  READY,
  readAdapterOptions,
  readMiddlewareOptions,
  readsEnvironment,
} from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'
import { freshRequirement, fakeVerifier } from '../../support/core/fake-verifier.ts'
import { learningResource } from '../../support/core/learning-resource.ts'
import { AUDIENCE, ISSUER } from '../../support/core/jose-tokens.ts'

const environment = { JWT_ISSUER: 'https://env.example', JWT_AUDIENCE: 'env-api' }
const table = { ...READY, onReject: { be: 'a function', fits: (value: unknown) => typeof value === 'function' } }
const rules: AdapterRules = { action: 'create middleware', table, environment }
const given = { issuer: ISSUER, audience: AUDIENCE }

const read = (options: unknown, more: Partial<AdapterRules> = {}) =>
  readAdapterOptions(options as object, { ...rules, ...more }) as {
    readonly authenticator: Authenticator
    readonly onReject?: unknown
    readonly realm?: string
  }
const accepted = ({ authenticator }: { readonly authenticator: Authenticator }): unknown =>
  authenticator.verifier.accepts?.().map(({ issuer, audience }) => [issuer, ...[audience].flat()])

describe('the options of an adapter', () => {
  it('make an authenticator, beside the options of the adapter itself', () => {
    const onReject = (): void => {}
    const options = read({ ...given, realm: 'orders', onReject })
    expect(accepted(options)).toEqual([[ISSUER, AUDIENCE]])
    expect(options).toMatchObject({ onReject, realm: 'orders' })
  })

  it('may be a verifier or an authenticator', () => {
    const verifier = createVerifier(given)
    expect(read(verifier).authenticator.verifier).toBe(verifier)
    const authenticator = createAuthenticator(given)
    expect(read(authenticator).authenticator).toBe(authenticator)
    expect(read({ authenticator }).authenticator).toBe(authenticator)
    expect(read({ verifier }).authenticator.verifier).toBe(verifier)
  })

  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, 'give options, a verifier or an authenticator, found "undefined"'],
    ['null', null, 'give options, a verifier or an authenticator, found "object"'],
    ['a text', ISSUER, 'give options, a verifier or an authenticator, found "string"'],
    ['an unknown option', { ...given, relm: 'a' }, 'there is no option "relm"'],
    ['a wrong option of the adapter', { ...given, onReject: true }, '"onReject" must be a function'],
    [
      'a verifier spread beside options',
      { ...fakeVerifier(), realm: 'a' },
      '"realm" is not a member of the verifier: write { verifier, realm: … }, without spreading',
    ],
    [
      'an authenticator spread beside options',
      { ...createAuthenticator({ verifier: fakeVerifier() }), onReject: () => {} },
      'write { authenticator, onReject: … }, without spreading',
    ],
    [
      'another option beside an authenticator',
      { authenticator: createAuthenticator({ verifier: fakeVerifier() }), realm: 'a' },
      'with "authenticator", "realm" belongs to the options of that authenticator',
    ],
    [
      'an authenticator that authenticates nothing',
      { authenticator: {} },
      '"authenticator" must come from createAuthenticator, found "object"',
    ],
    [
      'an authenticator of undefined',
      { authenticator: undefined },
      '"authenticator" must come from createAuthenticator',
    ],
    ['a requirement of undefined', { ...given, requirement: undefined }, 'check the name of what it is set to'],
    ['a scope as a requirement', { ...given, requirement: 'read' }, 'a requirement such as scope("orders:read")'],
  ])('cannot be %s', (_, options, message) => {
    expect(() => read(options)).toThrow(message)
    expect(() => read(options)).toThrow(/^Cannot create /)
  })

  it('may be a verifier whose options are getters of its class, but not with others in that class', () => {
    class Custom {
      verify = fakeVerifier().verify
      explain = fakeVerifier().explain
      ready = fakeVerifier().ready
      close = fakeVerifier().close
    }
    class Mixed extends Custom {
      get onReject() {
        return () => {}
      }
    }
    const custom = new Custom()
    expect(read(custom).authenticator.verifier).toBe(custom)
    expect(() => read(new Mixed())).toThrow('"onReject" is not a member of the verifier')
  })

  it('that an adapter does not have are unknown to it', () => {
    const options = { authenticator: createAuthenticator({ verifier: fakeVerifier() }) }
    expect(() => read(options, { table: {} })).toThrow('there is no option "authenticator"')
  })
})

describe('the environment of an adapter', () => {
  it.each([
    [{}, true],
    [{ realm: 'a', onReject: () => {} }, true],
    [given, false],
    [{ issuer: undefined }, false],
    [{ issuers: [] }, false],
    [{ verifier: fakeVerifier() }, false],
    [{ authenticator: undefined }, false],
    [fakeVerifier(), false],
    [createAuthenticator({ verifier: fakeVerifier() }), false],
  ])('is read unless a verifier is described: case %#', (options, expected) => {
    expect(readsEnvironment(options)).toBe(expected)
  })

  it('describes the verifier, and options what else there is', () => {
    expect(accepted(read({}))).toEqual([['https://env.example', 'env-api']])
    expect(accepted(read({ realm: 'orders' }))).toEqual([['https://env.example', 'env-api']])
    expect(accepted(read(given))).toEqual([[ISSUER, AUDIENCE]])
  })

  it('needs an audience, unless there is a resource', () => {
    const only = { environment: { JWT_ISSUER: 'https://env.example' } }
    expect(() => read({}, only)).toThrow('JWT_AUDIENCE')
    const { resource } = learningResource()
    expect(accepted(read({ resource }, only))).toEqual([['https://env.example', resource.resource]])
    expect(() => read({ resource }, { environment: {} })).toThrow('JWT_ISSUER')
  })

  it('may name a provider for an adapter that knows providers', () => {
    const named = { environment: { ...environment, JWT_PROVIDER: 'auth0' } }
    const asked: unknown[] = []
    const readProvider = (env: unknown) => {
      asked.push(env)
      return { issuer: 'https://provider.example', audience: 'a' }
    }
    expect(accepted(read({}, { ...named, readProvider }))).toEqual([['https://provider.example', 'a']])
    expect(asked).toEqual([named.environment])
    expect(accepted(read({}, { readProvider }))).toEqual([['https://env.example', 'env-api']])
    expect(() => read({}, named)).toThrow('JWT_PROVIDER')
  })
})

describe('the clock of an adapter', () => {
  const clockOf = ({ authenticator }: { readonly authenticator: Authenticator }): unknown =>
    authenticator.verifier.now?.()
  const clock = { now: () => 5 }

  it('is that of verifiers it makes, unless they have their own', () => {
    expect(clockOf(read(given, { clock }))).toBe(5)
    expect(clockOf(read({}, { clock }))).toBe(5)
    expect(clockOf(read({ ...given, clock: { now: () => 7 } }, { clock }))).toBe(7)
  })

  it('leaves a verifier that is given as it is', () => {
    const verifier = fakeVerifier({ now: () => 9 })
    expect(clockOf(read({ verifier }, { clock }))).toBe(9)
  })
})

describe('the requirement of an adapter', () => {
  const readWith = (options: object) => readMiddlewareOptions<object, { requirement?: never }>(options, rules)

  it('is told to the resource', () => {
    const { resource, facts } = learningResource()
    readWith({ ...given, audience: undefined, resource, requirement: scope('a', 'b') })
    expect(facts).toContainEqual({ scopes: ['a', 'b'] })
    expect(() => readWith({ ...given, requirement: scope('a') })).not.toThrow()
  })

  it('can only be fresh if the verifier can ask the authorization server', () => {
    const requirement = freshRequirement()
    expect(() => readWith({ ...given, requirement })).toThrow(
      'Cannot create middleware: fresh() needs a verifier that asks the authorization server',
    )
    const verifier = fakeVerifier({ verifyFresh: async (token) => token })
    expect(() => readWith({ verifier, requirement })).not.toThrow()
    expect(() => readWith(given)).not.toThrow()
  })
})
