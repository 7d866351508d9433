import {
  AuthError,
  type ClaimsSchema,
  createVerifier,
  scope,
  createAuthenticator,
  type VerifierOptions,
} from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { arktypeClaims, type TenantClaims, valibotClaims, zodClaims } from '../../support/types/schemas.ts'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'
const keys = await createTestKeys('ES256')
const registered = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: 4_000_000_000 }
const good = { ...registered, tenant: 'acme', level: '7', department: { name: 'sales' }, scope: 'orders:read' }

const optionsWith = <C extends object>(claims: ClaimsSchema<C>): VerifierOptions<C> => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  jwks: { keys: [keys.publicJwk] },
  claims,
})

async function answer(claims: object, schema: ClaimsSchema<object>): Promise<string> {
  try {
    await createVerifier(optionsWith(schema)).verify(await keys.sign(claims))
    return 'verified'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}: ${error.actual}`
    throw error
  }
}

const schemas: readonly (readonly [name: string, schema: ClaimsSchema<TenantClaims>])[] = [
  ['zod', zodClaims],
  ['valibot', valibotClaims],
  ['arktype', arktypeClaims],
]

describe.each(schemas)('claims with a schema of %s', (_, schema) => {
  it('are completed by it, and keep claims it does not know', async () => {
    const { claims } = await createVerifier(optionsWith(schema)).verify(await keys.sign(good))
    expect(claims).toEqual({ ...good, level: 7, groups: [] })
  })

  it('are frozen deeply', async () => {
    const { claims } = await createVerifier(optionsWith(schema)).verify(await keys.sign(good))
    expect([claims, claims.groups, claims['department']].map((value) => Object.isFrozen(value))).toEqual([
      true,
      true,
      true,
    ])
  })

  it('do not affect those of the next token', async () => {
    const verifier = createVerifier(optionsWith(schema))
    const token = await keys.sign(good)
    expect((await verifier.verify(token)).claims).toEqual((await verifier.verify(token)).claims)
  })

  it.each([
    ['one is missing', { tenant: undefined }, 'tenant'],
    ['one has another type', { tenant: 7 }, 'tenant'],
    ['one is null', { tenant: null }, 'tenant'],
    ['a list contains another type', { groups: ['a', 7] }, 'groups'],
  ])('are refused with 401 and the path if %s', async (_what, changes, place) => {
    const refusal = await answer({ ...good, ...changes }, schema)
    expect(refusal).toMatch(/^401 claims_schema: /)
    expect(refusal).toContain(place)
  })

  it('do not reach it before they are verified', async () => {
    expect(await answer({ ...good, tenant: 7, exp: 1 }, schema)).toMatch(/^401 token_expired/)
  })

  it('are explained', async () => {
    const { code, steps } = await createVerifier(optionsWith(schema)).explain(await keys.sign({ ...good, tenant: 7 }))
    expect(code).toBe('claims_schema')
    expect(steps).toContainEqual(expect.objectContaining({ step: 'schema', result: 'failed', code: 'claims_schema' }))
  })
})

describe('an async schema', () => {
  const tenants = new Map([['acme', 1]])
  const asyncSchemas: readonly (readonly [name: string, schema: ClaimsSchema<object>])[] = [
    ['zod', z.object({ tenant: z.string().refine(async (tenant) => tenants.has(tenant)) })],
    [
      'valibot',
      v.objectAsync({
        tenant: v.pipeAsync(
          v.string(),
          v.checkAsync(async (tenant) => tenants.has(tenant)),
        ),
      }),
    ],
  ]

  it.each(asyncSchemas)('is awaited: %s', async (_, schema) => {
    expect(await answer(good, schema)).toBe('verified')
    expect(await answer({ ...good, tenant: 'unknown' }, schema)).toMatch(/^401 claims_schema/)
  })
})

describe('a schema', () => {
  it.each<[string, ClaimsSchema<object>]>([
    ['zod', z.strictObject({ tenant: z.string() })],
    ['valibot', v.strictObject({ tenant: v.string() })],
    ['arktype', type({ '+': 'reject', tenant: 'string' })],
  ])('can refuse unknown claims: %s', async (_, schema) => {
    expect(await answer(good, schema)).toMatch(/^401 claims_schema/)
  })

  it('does not affect scopes, which come from the token', async () => {
    const claims = z.object({ scope: z.string().transform(() => 'admin') })
    const authenticator = createAuthenticator(optionsWith(claims))
    const token = await keys.sign(good)
    const header = (name: string) => (name === 'authorization' ? [`Bearer ${token}`] : [])
    const outcomes = ['orders:read', 'admin'].map(async (name) =>
      authenticator.authenticate({ method: 'GET', target: '/', header }, scope(name)),
    )
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['authenticated', 'refused'])
  })

  it('can return values that cannot be frozen, and share values that must not be', async () => {
    class Tenant {
      requests = 0
    }
    const shared = new Tenant()
    const claims = z.object({
      tenant: z.string().transform(() => shared),
      level: z.string().transform((text) => new TextEncoder().encode(text)),
    })
    const verified = await createVerifier(optionsWith(claims)).verify(await keys.sign(good))
    verified.claims.tenant.requests += 1
    expect(shared.requests).toBe(1)
    expect(verified.claims.level).toEqual(new TextEncoder().encode('7'))
  })

  it('that throws is a bug, and not a refusal', async () => {
    const broken = z.object({}).transform(() => {
      throw new RangeError('broken')
    })
    await expect(
      createVerifier(optionsWith(broken as ClaimsSchema<object>)).verify(await keys.sign(good)),
    ).rejects.toThrow(RangeError)
  })
})
