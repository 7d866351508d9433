import { createServer } from 'node:http'

import express from 'express'
import { expressjwt } from 'express-jwt'
import { auth } from 'express-oauth2-jwt-bearer'
import jsonwebtoken from 'jsonwebtoken'
import jwksRsa from 'jwks-rsa'

import { authenticateJwt, getAuth } from '../../../packages/express/dist/index.js'
import { uncached } from '../fixtures/core.mjs'
import { ours } from './settings.mjs'
import { signatureAlone } from './signature-alone.mjs'

/** Express 5 without protection, with ours and with the peers. Each returns its server. */
export const EXPRESS = {
  bare: () => serve(undefined, () => 'ada'),
  'signature alone': async (settings) => {
    const verify = await signatureAlone(settings)
    const protection = async (req, res, next) => {
      if (await verify(req.headers.authorization)) next()
      else res.sendStatus(401)
    }
    return serve(protection, () => 'ada')
  },
  claimgate: (settings) => serve(authenticateJwt(ours(settings)), (req) => getAuth(req).claims.sub),
  'claimgate, no cache': (settings) =>
    serve(authenticateJwt(uncached(ours(settings))), (req) => getAuth(req).claims.sub),
  'express-oauth2-jwt-bearer': ({ issuer, audience, jwksUri }) =>
    serve(auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }), (req) => req.auth.payload.sub),
  'express-jwt with jwks-rsa': ({ issuer, audience, jwksUri }) => {
    const secret = jwksRsa.expressJwtSecret({ cache: true, rateLimit: true, jwksRequestsPerMinute: 5, jwksUri })
    return serve(expressjwt({ secret, issuer, audience, algorithms: ['RS256'] }), (req) => req.auth.sub)
  },
  'jsonwebtoken with jwks-rsa': (settings) => serve(jsonWebToken(settings), (req) => req.auth.sub),
}

function serve(protection, subOf) {
  const app = express()
  if (protection !== undefined) app.use(protection)
  app.get('/me', (req, res) => res.json({ sub: subOf(req) }))
  // Express's own handler would print every refusal.
  app.use((error, req, res, _next) => res.sendStatus(error.status ?? 500))
  return createServer(app)
}

function jsonWebToken({ issuer, audience, jwksUri }) {
  const client = jwksRsa({ jwksUri })
  const getKey = ({ kid }, callback) => client.getSigningKey(kid, (error, key) => callback(error, key?.getPublicKey()))
  const options = { algorithms: ['RS256'], issuer, audience }
  return (req, res, next) => {
    const [scheme, token] = (req.headers.authorization ?? '').split(' ')
    if (scheme !== 'Bearer' || token === undefined) return res.sendStatus(401)
    jsonwebtoken.verify(token, getKey, options, (error, claims) => {
      if (error) return res.sendStatus(401)
      req.auth = claims
      next()
    })
  }
}
