import { optionsFromEnv } from '@claimgate/core'
import { authenticateJwt, getAuth, requireScope } from '@claimgate/express'
import express, { type Express } from 'express'
import type { Environment } from './settings.ts'

/**
 * An API that trusts exactly one public key: `JWT_PUBLIC_KEY` is `public.pem`, an X.509 certificate for the key, or the base64 of
 * either. It does not use AWS.
 *
 * @throws TypeError for an environment that is incomplete or contradicts itself
 */
export const createApi = (env: Environment): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.use(authenticateJwt(optionsFromEnv(env)))

  app.get('/api/v1/protected', (request, response) => {
    const { claims, scopes } = getAuth(request)
    response.json({ caller: claims.sub, scopes: [...scopes] })
  })

  app.post('/api/v1/orders', requireScope('orders:write'), (request, response) => {
    response.status(201).json({ orderedBy: getAuth(request).claims.sub })
  })

  return app
}
