import {
  claim,
  createAuthenticator,
  createVerifier,
  type Claims,
  type ManyIssuersOptions,
  scope,
  type SingleIssuerOptions,
  type VerifiedToken,
  type Verifier,
  type VerifierOptions,
  verify,
} from '@claimgate/core'
import { authenticateJwt } from '@claimgate/express'
import { createGate } from '@claimgate/fetch'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

import { arktypeClaims, type TenantClaims, valibotClaims, zodClaims } from '../../support/types/schemas.ts'

const base = { issuer: 'https://issuer.example', audience: 'https://api.example' }
const schemas = [
  ['zod', zodClaims],
  ['valibot', valibotClaims],
  ['arktype', arktypeClaims],
] as const

describe('the type of verified claims', () => {
  it('is that of registered claims, with unknown for the rest, if there is no schema', () => {
    const verifier = createVerifier(base)
    expectTypeOf(verifier).toEqualTypeOf<Verifier>()
    type Verified = Awaited<ReturnType<typeof verifier.verify>>
    expectTypeOf<Verified>().toEqualTypeOf<VerifiedToken>()
    expectTypeOf<Verified['claims']['sub']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Verified['claims']['exp']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Verified['claims']['tenant']>().toEqualTypeOf<unknown>()
    expectTypeOf<Verified['scopes']>().toEqualTypeOf<ReadonlySet<string>>()
  })

  it.each(schemas)('is the output of a schema of %s and the registered claims', (_, claims) => {
    const verifier = createVerifier({ ...base, claims })
    type Verified = Awaited<ReturnType<typeof verifier.verify>>
    expectTypeOf<Verified['claims']>().toExtend<TenantClaims & Claims>()
    expectTypeOf<Verified['claims']['tenant']>().toEqualTypeOf<string>()
    expectTypeOf<Verified['claims']['level']>().toEqualTypeOf<number>()
    expectTypeOf<Verified['claims']['groups']>().toEqualTypeOf<string[]>()
    expectTypeOf<Verified['claims']['sub']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Verified['claims']['department']>().toEqualTypeOf<unknown>()
    // Any typed verifier is accepted if only registered claims are read.
    expectTypeOf(verifier).toExtend<Verifier>()
    expect(verifier).toBeTypeOf('object')
  })

  it('makes a registered claim required if the schema requires it', () => {
    const byZod = createVerifier({ ...base, claims: z.object({ sub: z.string() }) })
    const byValibot = createVerifier({ ...base, claims: v.object({ sub: v.string() }) })
    expectTypeOf<Awaited<ReturnType<typeof byZod.verify>>['claims']['sub']>().toEqualTypeOf<string>()
    expectTypeOf<Awaited<ReturnType<typeof byValibot.verify>>['claims']['sub']>().toEqualTypeOf<string>()
  })

  it('is the resolved output of an async schema', () => {
    const claims = z.object({ tenant: z.string().transform(async (tenant) => tenant.length) })
    const verifier = createVerifier({ ...base, claims })
    expectTypeOf<Awaited<ReturnType<typeof verifier.verify>>['claims']['tenant']>().toEqualTypeOf<number>()
  })

  it('is kept by verify, authenticators, gates and middleware', () => {
    const typed = () => verify('token', { ...base, claims: zodClaims })
    expectTypeOf<Awaited<ReturnType<typeof typed>>['claims']['level']>().toEqualTypeOf<number>()

    const authenticator = createAuthenticator({ ...base, claims: zodClaims })
    type Outcome = Awaited<ReturnType<typeof authenticator.authenticate>>
    expectTypeOf<Extract<Outcome, { kind: 'authenticated' }>['token']['claims']['level']>().toEqualTypeOf<number>()

    const gate = createGate({ ...base, claims: zodClaims })
    type Admitted = Exclude<Awaited<ReturnType<typeof gate>>, Response>
    expectTypeOf<Admitted['claims']['level']>().toEqualTypeOf<number>()

    const middleware = authenticateJwt({ ...base, claims: zodClaims })
    expectTypeOf<ReturnType<typeof middleware.getAuth>['claims']['level']>().toEqualTypeOf<number>()
  })

  it('is read-only', () => {
    const change = (token: VerifiedToken): void => {
      // @ts-expect-error claims are read-only
      token.claims.sub = 'bob'
      // @ts-expect-error scopes are read-only
      token.scopes.add('admin')
    }
    expect(change).toBeTypeOf('function')
  })

  it('cannot come from a schema whose output is not an object', () => {
    // @ts-expect-error claims are an object
    const wrong = () => createVerifier({ ...base, claims: z.string() })
    expect(wrong).toBeTypeOf('function')
  })
})

describe('options of a verifier', () => {
  it('need issuer and audience, and null opts out explicitly', () => {
    expectTypeOf<SingleIssuerOptions['issuer']>().toEqualTypeOf<string | null>()
    expectTypeOf<SingleIssuerOptions['audience']>().toEqualTypeOf<string | readonly string[] | null>()
    expectTypeOf(base).toExtend<VerifierOptions>()
    expectTypeOf<{ issuer: null; audience: null; publicKey: string }>().toExtend<VerifierOptions>()
    expectTypeOf<{ audience: string }>().not.toExtend<VerifierOptions>()
    expectTypeOf<{ issuer: string }>().not.toExtend<VerifierOptions>()
    // Undefined if it means the default, but not if it would remove a restriction.
    expectTypeOf<{ issuer: string; audience: string; jwksUri: string | undefined }>().toExtend<VerifierOptions>()
    expectTypeOf<{ issuer: string; audience: string; clientId: undefined }>().not.toExtend<VerifierOptions>()
    expectTypeOf<{ issuer: undefined; audience: string }>().not.toExtend<VerifierOptions>()
    expectTypeOf<{ issuer: string; audience: undefined }>().not.toExtend<VerifierOptions>()
    // @ts-expect-error without an issuer
    expect(() => createVerifier({ audience: 'https://api.example' })).toThrow(/"issuer"/)
    // @ts-expect-error without an audience
    expect(() => createVerifier({ issuer: 'https://issuer.example' })).toThrow(/"audience"/)
    // @ts-expect-error without anything
    expect(() => createVerifier({})).toThrow(/"issuer"/)
    // @ts-expect-error without options
    expect(() => createVerifier()).toThrow(/"issuer"/)
  })

  it('name one issuer, or several', () => {
    expectTypeOf<{ issuers: [typeof base] }>().toExtend<ManyIssuersOptions>()
    expectTypeOf<{ issuers: (iss: string) => Promise<typeof base | undefined> }>().toExtend<ManyIssuersOptions>()
    expectTypeOf<{ issuers: (iss: string) => typeof base }>().not.toExtend<VerifierOptions>()
    expectTypeOf<{ issuers: [{ issuer: string }] }>().not.toExtend<VerifierOptions>()
    // @ts-expect-error both
    expect(() => createVerifier({ ...base, issuers: [base] })).toThrow(/"issuer" belongs to each issuer/)
  })

  it('are rejected by the compiler and at run time if they are wrong', () => {
    // @ts-expect-error a typo
    expect(() => createVerifier({ ...base, algorithm: ['RS256'] })).toThrow(/did you mean "algorithms"/)
    // @ts-expect-error an unknown algorithm
    expect(() => createVerifier({ ...base, algorithms: ['none'] })).toThrow(/"algorithms"/)
    // @ts-expect-error text in place of a list
    expect(() => createVerifier({ ...base, algorithms: 'RS256' })).toThrow(/"algorithms"/)
    // @ts-expect-error another profile
    expect(() => createVerifier({ ...base, profile: 'oidc' })).toThrow(/"profile"/)
    // @ts-expect-error a regular expression for an audience
    expect(() => createVerifier({ ...base, audience: /api/ })).toThrow(/"audience"/)
    // @ts-expect-error a regular expression for a claim
    expect(() => createVerifier({ ...base, requiredClaims: { tenant: /acme/ } })).toThrow(/"requiredClaims.tenant"/)
    // @ts-expect-error text in place of seconds
    expect(() => createVerifier({ ...base, clockTolerance: '5s' })).toThrow(/"clockTolerance"/)
    // @ts-expect-error a number for a claim that scopes are read from
    expect(() => createVerifier({ ...base, scopeSources: [1] })).toThrow(/"scopeSources"/)
    // @ts-expect-error a requirement about scopes for one about a claim
    expect(() => createVerifier({ ...base, requiredClaims: [scope('orders:read')] })).toThrow(/"requiredClaims"/)
  })

  it('accept paths of nested claims', () => {
    const places = ['scope', ['realm_access', 'roles']] as const
    const clientClaims = ['client_id', 'cid'] as const
    const requiredClaims = ['sub', ['act', 'sub'], claim(['realm_access', 'roles'], 'admin')] as const
    const options = { ...base, scopeSources: places, clientId: 'shop', clientClaims, requiredClaims }
    expect(() => createVerifier(options)).not.toThrow()
  })

  it('accept the fetch of the runtime, and a custom one', () => {
    expectTypeOf(globalThis.fetch).toExtend<NonNullable<VerifierOptions['fetch']>>()
    expectTypeOf<() => Promise<Response>>().toExtend<NonNullable<VerifierOptions['fetch']>>()
    expectTypeOf<() => Response>().not.toExtend<NonNullable<VerifierOptions['fetch']>>()
  })
})
