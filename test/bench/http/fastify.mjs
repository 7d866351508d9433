import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import fastifyJwtJwks from 'fastify-jwt-jwks'
import buildGetJwks from 'get-jwks'

import { claimgate } from '../../../packages/fastify/dist/index.js'
import { uncached } from '../fixtures/core.mjs'
import { ours } from './settings.mjs'
import { signatureAlone } from './signature-alone.mjs'

/** Fastify 5 without protection, with ours and with the peers. Each returns its listening server. */
export const FASTIFY = {
  bare: () =>
    serve(
      async () => {},
      () => 'ada',
    ),
  'signature alone': async (settings) => {
    const verify = await signatureAlone(settings)
    return serve(
      async (app) => {
        app.addHook('onRequest', async ({ headers }, reply) => {
          if (!(await verify(headers.authorization))) return reply.code(401).send()
        })
      },
      () => 'ada',
    )
  },
  claimgate: (settings) =>
    serve(
      (app) => app.register(claimgate, ours(settings)),
      ({ auth }) => auth.claims.sub,
    ),
  'claimgate, no cache': (settings) =>
    serve(
      (app) => app.register(claimgate, uncached(ours(settings))),
      ({ auth }) => auth.claims.sub,
    ),
  'fastify-jwt-jwks': (settings) => jwtJwks(settings),
  'fastify-jwt-jwks, cache': (settings) => jwtJwks(settings, { cache: 5000 }),
  '@fastify/jwt with get-jwks': ({ issuer, audience, jwksUri }) => {
    const getJwks = buildGetJwks({ issuersWhitelist: [issuer], jwksPath: new URL(jwksUri).pathname })
    const secret = async (_request, { header: { kid, alg }, payload: { iss } }) =>
      getJwks.getPublicKey({ kid, domain: iss, alg })
    return serve(async (app) => {
      await app.register(fastifyJwt, {
        decode: { complete: true },
        secret,
        verify: { allowedIss: issuer, allowedAud: audience },
      })
      app.addHook('onRequest', async (request) => {
        await request.jwtVerify()
      })
    }, subOfUser)
  },
}

const subOfUser = ({ user }) => user.sub

function jwtJwks({ issuer, audience, jwksUri }, more = {}) {
  return serve(async (app) => {
    await app.register(fastifyJwtJwks, { jwksUrl: jwksUri, issuer, audience, ...more })
    app.addHook('preValidation', app.authenticate)
  }, subOfUser)
}

async function serve(protect, subOf) {
  const app = Fastify()
  await protect(app)
  app.get('/me', (request, reply) => reply.send({ sub: subOf(request) }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
