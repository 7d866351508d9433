import '@claimgate/express/augment'
import { type Claims, createAuthenticator, createVerifier, type VerifiedToken } from '@claimgate/core'
import { authenticateJwt, getAuth } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate, type Gate, type HasVerifier, type OptionalGate, protect } from '@claimgate/fetch'
import { type AuthEnv, authenticateJwt as honoJwt, type OptionalAuthEnv } from '@claimgate/hono'
import { authorizer, getAuth as getLambdaAuth, protect as protectLambda } from '@claimgate/lambda'
import { ClaimgateModule } from '@claimgate/nestjs'
import { type } from 'arktype'
import express, { type Request as ExpressRequest } from 'express'
import fastify, { type FastifyRequest } from 'fastify'
import type { MiddlewareHandler } from 'hono'
import { createServer } from 'node:http'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'

declare module '@claimgate/express/augment' {
  interface AuthClaims {
    tenant?: string
  }
}

declare module '@claimgate/fastify' {
  interface AuthClaims {
    tenant?: string
  }
}

const { options, authorization, token } = await createAuthority()
const good = await authorization({ tenant: 'acme' })
const bad = await authorization({ tenant: 7 })
const schema = z.object({ tenant: z.string() })

describe('the type of the claims', () => {
  it('comes from the schema to the verifier', async () => {
    const { claims } = await createVerifier({ ...options, claims: schema }).verify(await token({ tenant: 'acme' }))
    expectTypeOf(claims).toExtend<{ tenant: string } & Claims>()
    expectTypeOf(claims.tenant).toEqualTypeOf<string>()
    expect(claims.tenant).toBe('acme')
  })

  it.each([
    ['zod', createGate({ ...options, claims: z.object({ tenant: z.string() }) })],
    ['valibot', createGate({ ...options, claims: v.object({ tenant: v.string() }) })],
    ['arktype', createGate({ ...options, claims: type({ tenant: 'string' }) })],
  ])('comes from a schema of %s to a gate', async (_name, gate) => {
    expectTypeOf(gate).toEqualTypeOf<Gate<{ tenant: string }> & HasVerifier<{ tenant: string }>>()
    const auth = await gate(new Request('https://api.example.com', { headers: good }))
    expect(auth instanceof Response ? auth.status : auth.claims.tenant).toBe('acme')
    expect(await gate(new Request('https://api.example.com', { headers: bad }))).toHaveProperty('status', 401)
  })

  it('includes undefined for a gate that allows anonymous requests', () => {
    expectTypeOf(createGate({ ...options, claims: schema, optional: true })).toEqualTypeOf<
      OptionalGate<{ tenant: string }> & HasVerifier<{ tenant: string }>
    >()
    const optional = true as boolean
    expectTypeOf(createGate({ ...options, optional })).toEqualTypeOf<OptionalGate & HasVerifier>()
  })

  it('of ReturnType<typeof createGate> is that of a gate for tokens only', () => {
    expectTypeOf<ReturnType<typeof createGate>>().toEqualTypeOf<Gate & HasVerifier>()
  })

  it('comes from a schema to a handler', () => {
    protect({ ...options, claims: schema }, (_request, auth) => {
      expectTypeOf(auth.claims.tenant).toEqualTypeOf<string>()
      return new Response()
    })
    protect({ ...options, claims: schema, optional: true }, (_request, auth) => {
      expectTypeOf(auth).toEqualTypeOf<VerifiedToken<{ tenant: string }> | undefined>()
      return new Response()
    })
    protect(createGate({ ...options, claims: schema }), (_request, auth) => {
      expectTypeOf(auth.claims.tenant).toEqualTypeOf<string>()
      return new Response()
    })
  })

  it('comes from a schema to the accessor of an Express middleware', async () => {
    const auth = authenticateJwt({ ...options, claims: schema })
    expectTypeOf(auth.getAuth).returns.toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
    const app = express()
    app.get('/', auth, (req, res) => {
      res.json([auth.getAuth(req).claims.tenant.toUpperCase(), req.auth?.claims.tenant])
    })
    const { port, close } = await listen(createServer(app))
    onTestFinished(close)
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: good })
    expect(await response.json()).toEqual(['ACME', 'acme'])
  })

  it('comes from ready parts to the accessor of an Express middleware', () => {
    const verifier = createVerifier({ ...options, claims: schema })
    const authenticator = createAuthenticator(verifier)
    for (const auth of [authenticateJwt({ verifier }), authenticateJwt({ authenticator }), authenticateJwt(verifier)])
      expectTypeOf(auth.getAuth).returns.toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
    expectTypeOf(authenticateJwt).toBeCallableWith({ realm: 'orders' })
  })

  it('can be passed to getAuth of Express', () => {
    expectTypeOf(getAuth<{ tenant: string }>).returns.toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
    expectTypeOf(getAuth).returns.toEqualTypeOf<VerifiedToken>()
  })

  it('can be merged into req.auth and request.auth', async () => {
    expectTypeOf<NonNullable<ExpressRequest['auth']>['claims']['tenant']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<NonNullable<FastifyRequest['auth']>['claims']['tenant']>().toEqualTypeOf<string | undefined>()
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(claimgate, { ...options, claims: schema })
    app.get('/', ({ auth }) => ({ tenant: auth?.claims.tenant }))
    expect((await app.inject({ url: '/', headers: good })).json()).toEqual({ tenant: 'acme' })
    expect((await app.inject({ url: '/', headers: bad })).statusCode).toBe(401)
  })
})

describe('the type of the claims in other adapters', () => {
  it('comes from a schema to a handler in Lambda', async () => {
    const handler = protectLambda(
      (_event: { headers: object }, auth) => {
        expectTypeOf(auth).toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
        return auth.claims.tenant.toUpperCase()
      },
      { ...options, claims: schema },
    )
    expect(await handler({ headers: good })).toBe('ACME')
    expect(await handler({ headers: bad })).toHaveProperty('statusCode', 401)
  })

  it('includes undefined for anonymous requests in Lambda', () => {
    protectLambda(
      (_event: object, auth) => {
        expectTypeOf(auth).toEqualTypeOf<VerifiedToken<{ tenant: string }> | undefined>()
      },
      { ...options, claims: schema, optional: true },
    )
    expectTypeOf(getLambdaAuth<{ tenant: string }>).returns.toEqualTypeOf<
      VerifiedToken<{ tenant: string }> | undefined
    >()
  })

  it('comes from a schema to the context of an authorizer', async () => {
    const authorize = authorizer({ ...options, claims: schema, context: ({ claims: { tenant } }) => ({ tenant }) })
    const event = {
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:eu-west-1:123456789012:a1/prod/GET/',
      headers: good,
    }
    expect(await authorize(event)).toMatchObject({ context: { tenant: 'acme' } })
  })

  it('comes from a schema and from ready parts to the variables of Hono', () => {
    type Tenant = { tenant: string }
    const verifier = createVerifier({ ...options, claims: schema })
    for (const one of [honoJwt({ ...options, claims: schema }), honoJwt({ verifier }), honoJwt(verifier)])
      expectTypeOf(one).toExtend<MiddlewareHandler<AuthEnv<Tenant>>>()
    expectTypeOf(honoJwt({ verifier, optional: true })).toExtend<MiddlewareHandler<OptionalAuthEnv<Tenant>>>()
  })

  it('is that of options in NestJS, which knows no types of parameters', () => {
    expectTypeOf(ClaimgateModule.forRoot<{ tenant: string }>)
      .parameter(0)
      .toExtend<object | undefined>()
    expect(ClaimgateModule.forRoot({ ...options, claims: schema })).toHaveProperty('module', ClaimgateModule)
  })
})

describe('types refuse', () => {
  it('options that are empty, or contradict each other', () => {
    // @ts-expect-error -- there is no environment to read
    expect(() => createGate()).toThrow(TypeError)
    // @ts-expect-error -- the audience is missing
    expect(() => authenticateJwt({ issuer: 'https://auth.example.com' })).toThrow(TypeError)
    // @ts-expect-error -- the authenticator has a realm already
    expect(() => authenticateJwt({ authenticator: createAuthenticator(options), realm: 'x' })).toThrow(TypeError)
    // @ts-expect-error -- a requirement is not text
    expect(() => authenticateJwt({ ...options, requirement: 'orders:read' })).toThrow(TypeError)
    // @ts-expect-error -- a requirement is not text
    expect(() => honoJwt({ ...options, requirement: 'orders:read' })).toThrow(TypeError)
    // @ts-expect-error -- a requirement is not text
    expect(() => ClaimgateModule.forRoot({ ...options, requirement: 'orders:read' })).toThrow(TypeError)
    // @ts-expect-error -- a requirement is not text
    expect(() => protectLambda(() => '', { ...options, requirement: 'orders:read' })).toThrow(TypeError)
    // @ts-expect-error -- a value of the context is text, a number or a boolean
    authorizer({ ...options, context: () => ({ roles: ['admin'] }) })
  })

  it('text in config.auth of Fastify', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(claimgate, options)
    // @ts-expect-error -- a requirement is not text
    expect(() => app.get('/', { config: { auth: 'orders:read' } }, () => '')).toThrow(TypeError)
  })
})
