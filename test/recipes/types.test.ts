// What the pages write in JavaScript, in TypeScript: it compiles without a cast.
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { scope } from '@claimgate/core'
import { createCallGuard, grpcAuthentication } from '@claimgate/core/calls'
import { createGate } from '@claimgate/fetch'
import * as grpc from '@grpc/grpc-js'
import { initTRPC, TRPCError } from '@trpc/server'
import type { Request as ExpressRequest } from 'express'
import type { FastifyRequest } from 'fastify'
import { GraphQLError } from 'graphql'
import type { HonoRequest } from 'hono'
import type { NextRequest } from 'next/server.js'
import { expect, it } from 'vitest'

const options = { issuer: 'https://auth.example.com', audience: 'orders-api' }

it('gRPC: the interceptor, and the calls of handlers', () => {
  const { interceptor, getAuth } = grpcAuthentication(options, grpc, { '/shop.Orders/Get': scope('orders:read') })
  const unary: grpc.handleUnaryCall<object, object> = (call) => getAuth(call).claims.sub
  const bidi: grpc.handleBidiStreamingCall<object, object> = (call) => getAuth(call).claims.sub
  const call = { metadata: new grpc.Metadata() } as never
  for (const handler of [unary, bidi]) expect(() => handler(call, () => {})).toThrow('has not admitted this call')
  expect(new grpc.Server({ interceptors: [interceptor] })).toBeDefined()
})

it('tRPC and GraphQL: the errors, and the requests', async () => {
  const guard = createCallGuard(options, (refused) => {
    const { trpcCode: code, message, extensions } = refused
    return new TRPCError({ code, message, cause: new GraphQLError(message, { extensions }) })
  })
  type OfFramework = ExpressRequest | FastifyRequest | HonoRequest | NextRequest
  const createContext = (req: IncomingMessage | Http2ServerRequest | OfFramework | Request) => ({
    caller: guard.callerOf(req),
  })
  const t = initTRPC.context<ReturnType<typeof createContext>>().create()
  const requires = (...requirement: Parameters<ReturnType<typeof guard.callerOf>['token']>) =>
    t.procedure.use(async ({ ctx, next }) => next({ ctx: { auth: await ctx.caller.token(...requirement) } }))
  const router = t.router({ me: requires(scope('orders:read')).query(({ ctx }) => ctx.auth.claims.sub ?? '') })
  const caller = t.createCallerFactory(router)(createContext(new Request('https://api.example.com/')))
  await expect(caller.me()).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    cause: { extensions: { code: 'UNAUTHENTICATED' } },
  })
})

it('Next.js: the proxy', async () => {
  const gate = createGate(options)
  const proxy = async (request: NextRequest): Promise<Response | undefined> => {
    const auth = await gate(request)
    return auth instanceof Response ? auth : undefined
  }
  expect((await proxy(new Request('https://api.example.com/') as NextRequest))?.status).toBe(401)
})
