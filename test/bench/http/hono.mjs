import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'

import { createGate } from '../../../packages/fetch/dist/index.js'
import { uncached } from '../fixtures/core.mjs'
import { ours } from './settings.mjs'
import { signatureAlone } from './signature-alone.mjs'

/** Hono on Node without protection, with ours and with its own middleware. Each returns its server. */
export const HONO = {
  bare: () =>
    serve(
      async (c, next) => next(),
      () => 'ada',
    ),
  'signature alone': async (settings) => {
    const verify = await signatureAlone(settings)
    const protection = async (c, next) => {
      if (!(await verify(c.req.header('authorization')))) return c.body(null, 401)
      await next()
    }
    return serve(protection, () => 'ada')
  },
  claimgate: (settings) => serve(gate(ours(settings)), (c) => c.get('auth').claims.sub),
  'claimgate, no cache': (settings) => serve(gate(uncached(ours(settings))), (c) => c.get('auth').claims.sub),
  'hono/jwk': ({ issuer, audience, jwks }) =>
    serve(
      jwk({ keys: jwks.keys, alg: ['RS256'], verification: { iss: issuer, aud: audience } }),
      (c) => c.get('jwtPayload').sub,
    ),
}

function gate(options) {
  const authenticate = createGate(options)
  return async (c, next) => {
    const auth = await authenticate(c.req.raw)
    if (auth instanceof Response) return auth
    c.set('auth', auth)
    await next()
  }
}

function serve(protection, subOf) {
  const app = new Hono()
  app.use(protection)
  app.get('/me', (c) => c.json({ sub: subOf(c) }))
  return createAdaptorServer({ fetch: app.fetch })
}
