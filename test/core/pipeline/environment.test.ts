// The environment of a program that was deployed in a hurry.
import process from 'node:process'

import { createVerifier, optionsFromEnv } from '@claimgate/core'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import Fastify from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'

const good = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-api' }

const complaint = (env: unknown): string => {
  try {
    optionsFromEnv(env as Record<string, string>)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
  return 'taken'
}

describe('missing variables', () => {
  it('are all named together', () => {
    expect(complaint({})).toBe(
      'Cannot read the environment: set JWT_ISSUER to the exact iss of the tokens, for example https://auth.example.com; set JWT_AUDIENCE to the name of this API in the aud of the tokens',
    )
  })

  it('with all wrong ones', () => {
    const said = complaint({
      JWT_JWKS_URI: 'jwks',
      JWT_ALGORITHMS: 'HS256',
      JWT_CLOCK_TOLERANCE: 'five',
      JWT_PUBLIC_KEY: 'x',
    })
    for (const name of [
      'JWT_ISSUER',
      'JWT_AUDIENCE',
      'JWT_JWKS_URI',
      'JWT_ALGORITHMS',
      'JWT_CLOCK_TOLERANCE',
      'JWT_PUBLIC_KEY',
    ])
      expect(said).toContain(name)
    expect(said).toContain('set JWT_JWKS_URI or JWT_PUBLIC_KEY, but not both')
    expect(said.match(/Cannot read the environment/g)).toHaveLength(1)
  })

  it.each([
    ['JWT_ISS', 'JWT_AUD'],
    ['JWT_ISSUERS', 'JWT_AUDIENCES'],
    ['jwt_issuer', 'jwt_audience'],
    ['ISSUER_BASE_URL', 'AUDIENCE'],
    ['JWT_ISUER', 'JWT_AUDINCE'],
  ])('with similar variables that may be meant: %s and %s', (issuer, audience) => {
    const said = complaint({ [issuer]: good.JWT_ISSUER, [audience]: good.JWT_AUDIENCE })
    expect(said).toContain(`is that "${issuer}"?`)
    expect(said).toContain(`is that "${audience}"?`)
  })
})

describe('a variable with a wrong value', () => {
  it.each<[string, string, RegExp]>([
    [
      'JWT_AUDIENCE',
      '["a","b"]',
      /JWT_AUDIENCE must be names separated by commas, such as a,b: take off brackets and quotes/,
    ],
    [
      'JWT_AUDIENCE',
      '"a"',
      /JWT_AUDIENCE must be names separated by commas, such as a,b: take off brackets and quotes/,
    ],
    ['JWT_AUDIENCE', "'a'", /take off brackets and quotes/],
    [
      'JWT_AUDIENCE',
      '*',
      /JWT_AUDIENCE must be a name, and is "\*"; to accept .*, give createVerifier "audience": null/,
    ],
    ['JWT_AUDIENCE', 'null', /JWT_AUDIENCE must be a name, and is "null"; to accept tokens for any audience/],
    ['JWT_AUDIENCE', 'undefined', /JWT_AUDIENCE must be a name, and is "undefined"/],
    ['JWT_AUDIENCE', 'a,*', /JWT_AUDIENCE must be a name, and is "\*"/],
    ['JWT_AUDIENCE', 'a,', /JWT_AUDIENCE has an empty item between its commas/],
    [
      'JWT_ISSUER',
      'https://a.example,https://b.example',
      /JWT_ISSUER must be one value: for several issuers, pass "issuers" to createVerifier/,
    ],
    ['JWT_ISSUER', 'https://a.example https://b.example', /JWT_ISSUER must be one/],
    ['JWT_ISSUER', '["https://a.example"]', /JWT_ISSUER must be/],
    ['JWT_ISSUER', '"https://a.example"', /JWT_ISSUER must be/],
    ['JWT_ISSUER', 'undefined', /JWT_ISSUER must be/],
    [
      'JWT_ISSUER',
      'issuer.example',
      /JWT_ISSUER must be a URL, because keys are discovered from it; otherwise set JWT_JWKS_URI, found "issuer.example"/,
    ],
    ['JWT_JWKS_URI', '"https://a.example/jwks"', /JWT_JWKS_URI must be written without brackets and quotes/],
    ['JWT_JWKS_URI', 'https://a.example/jwks,https://b.example/jwks', /JWT_JWKS_URI must be one/],
    ['JWT_JWKS_URI', '/jwks', /JWT_JWKS_URI must be a URL, found "\/jwks"/],
    ['JWT_JWKS_URI', 'undefined', /JWT_JWKS_URI must be a name, and is "undefined"/],
    ['JWT_ALGORITHMS', '["RS256"]', /JWT_ALGORITHMS must be names separated by commas/],
    ['JWT_ALGORITHMS', 'rs256', /JWT_ALGORITHMS may name RS256, .*, found "rs256"/],
    ['JWT_CLOCK_TOLERANCE', '5s', /JWT_CLOCK_TOLERANCE must be seconds from 0 to 300, found "5s"/],
    ['JWT_CLOCK_TOLERANCE', '-1', /JWT_CLOCK_TOLERANCE must be seconds from 0 to 300/],
  ])('%s=%s', (name, value, said) => {
    expect(complaint({ ...good, [name]: value })).toMatch(said)
    expect(complaint({ ...good, [name]: ` ${value}\n` })).toMatch(said)
  })

  it('may have white space around it, be empty, or be a number', () => {
    expect(
      optionsFromEnv({
        JWT_ISSUER: 'https://issuer.example  ',
        JWT_AUDIENCE: ' a , b\n',
        JWT_JWKS_URI: ' ',
        JWT_CLOCK_TOLERANCE: 7 as never,
      }),
    ).toEqual({ issuer: 'https://issuer.example', audience: ['a', 'b'], clockTolerance: 7 })
    expect(complaint({ ...good, JWT_ISSUER: { url: 'x' } })).toContain('JWT_ISSUER must be text, found an object')
    expect(complaint({ ...good, JWT_ISSUER: 'urn:issuer', JWT_JWKS_URI: 'https://a.example/jwks' })).toBe('taken')
  })
})

describe('the limits of variables', () => {
  it.each(['0', '300'])('a tolerance of %s is within them', (JWT_CLOCK_TOLERANCE) => {
    expect(optionsFromEnv({ ...good, JWT_CLOCK_TOLERANCE })).toMatchObject({
      clockTolerance: Number(JWT_CLOCK_TOLERANCE),
    })
  })

  it.each<[Record<string, string>, string]>([
    [{ JWT_PROVIDER: 'auth0' }, 'with JWT_PROVIDER, import optionsFromEnv from @claimgate/core/providers'],
    [{ JWT_ISSUER: '*' }, 'JWT_ISSUER must be a name, and is "*"'],
    [
      { JWT_ISSUER: 'https://a.example HTTP://b.example' },
      'JWT_ISSUER must be one value: for several issuers, pass "issuers" to createVerifier, found "https://a.example HTTP://b.example"',
    ],
    [
      { JWT_ALLOW_HTTP_HOSTS: 'a b' },
      'JWT_ALLOW_HTTP_HOSTS may name hosts with their port, such as keycloak:8080, found "a b"',
    ],
    [
      { JWT_ALLOW_HTTP_HOSTS: 'keycloak', JWT_PUBLIC_KEY: 'x', JWT_JWKS_URI: 'https://a.example' },
      'set JWT_JWKS_URI or JWT_PUBLIC_KEY, but not both; JWT_ALLOW_HTTP_HOSTS is for keys that are fetched: leave it out with JWT_PUBLIC_KEY',
    ],
  ])('%j', (env, message) => {
    expect(complaint({ ...good, ...env })).toMatch(/^Cannot read the environment: /)
    expect(complaint({ ...good, ...env }).endsWith(message)).toBe(true)
  })

  it('names the algorithms that a variable may hold, without those for secrets', () => {
    const said = complaint({ ...good, JWT_ALGORITHMS: 'none' })
    expect(said).toMatch(/JWT_ALGORITHMS may name RS256, .*ES256.*, found "none"$/)
    expect(said).not.toMatch(/HS256|HS384|HS512/)
  })

  it('are not those of other variables with such a name in them', () => {
    expect(complaint({ ...good, MY_JWT_JWKS_URL: 'x', JWT_AUDIENCES: 'x' })).toBe('taken')
    expect(complaint({ JWT_ISSUER: good.JWT_ISSUER })).toBe(
      'Cannot read the environment: set JWT_AUDIENCE to the name of this API in the aud of the tokens',
    )
    expect(complaint({ ...good, JWT_AUDIENCE: 'a["b"]' })).toBe('taken')
    expect(complaint({ ...good, JWT_ISSUER: 'https://a.example/["b"]' })).toBe('taken')
  })

  it('say which variable has a wrong key', () => {
    const said = complaint({ ...good, JWT_PUBLIC_KEY: 'https://a.example/jwks' })
    expect(said).toContain('JWT_PUBLIC_KEY')
    expect(said).toContain('JWT_JWKS_URI')
  })
})

describe('an unknown variable', () => {
  it.each([
    ['JWT_JWKS_URL', 'JWT_JWKS_URI'],
    ['JWT_JWK_URI', 'JWT_JWKS_URI'],
    ['JWT_ALGORITHM', 'JWT_ALGORITHMS'],
    ['JWT_PUBLICKEY', 'JWT_PUBLIC_KEY'],
    ['JWT_CLOCK_TOLERENCE', 'JWT_CLOCK_TOLERANCE'],
    ['JWT_CLOCKTOLERANCE', 'JWT_CLOCK_TOLERANCE'],
  ])('is rejected at start-up if it is a typo of one that is not set: %s', (typo, name) => {
    expect(complaint({ ...good, [typo]: 'x' })).toBe(
      `Cannot read the environment: there is no "${typo}": did you mean ${name}?`,
    )
  })

  it.each([
    {
      JWT_SECRET: 'x',
      JWT_PRIVATE_KEY: 'x',
      JWT_EXPIRES_IN: '1h',
      JWT_KEY: 'x',
      JWT_COOKIE_NAME: 'x',
      JWT_REFRESH_SECRET: 'x',
    },
    { JWT_ISSUERS: 'x', JWT_AUDIENCES: 'x' },
    { JWT_ALGORITHM: 'x', JWT_ALGORITHMS: 'RS256' },
    { JWT_JWKS_URL: '' },
    { JWKS_URL: 'x', ALGORITHMS: 'x' },
  ])('and is accepted if it belongs to the application: %j', (env) => {
    expect(complaint({ ...good, ...env })).toBe('taken')
  })
})

describe('an environment in place of options', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it.each([undefined, null, 'process.env', 5, [], new Map(), () => ({})])('optionsFromEnv(%s)', (env) => {
    expect(complaint(env)).toMatch(
      /^Cannot read the environment: write optionsFromEnv\(process\.env\), or optionsFromEnv\(env\) in a worker, found /,
    )
  })

  it('is rejected with a hint', async () => {
    vi.stubEnv('JWT_ISSUER', good.JWT_ISSUER)
    vi.stubEnv('JWT_AUDIENCE', good.JWT_AUDIENCE)
    const env = process.env as never
    const said =
      /an environment is not an options object: wrap it in optionsFromEnv\(\), as in optionsFromEnv\(process\.env\)$/
    expect(() => createVerifier(env)).toThrow(said)
    expect(() => createGate(env)).toThrow(said)
    expect(() => authenticateJwt(env)).toThrow(said)
    const app = Fastify()
    await expect(async () => app.register(claimgate, { ...process.env } as never)).rejects.toThrow(said)
    await app.close()
    expect(() => createVerifier({ DB: {}, JWT_ISSUER: good.JWT_ISSUER } as never)).toThrow(said)
  })
})
