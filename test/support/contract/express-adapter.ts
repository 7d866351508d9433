import { authenticateJwt, authorize } from '@claimgate/express'
import type express from 'express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { createServer } from 'node:http'
import type { VerifiedToken } from '@claimgate/core'
import { greeting } from './services.ts'
import { listen, type StartAdapter } from './started-adapter.ts'

/** Where a service has its requirement: in `authenticateJwt`, or in a route handler after it. */
export type RequirementPlace = 'in the options' | 'in a route handler'

/** @param framework - the module of Express 4 or 5 */
export const startExpress =
  (framework: typeof express, place: RequirementPlace): StartAdapter =>
  async (services) => {
    let served = 0
    const app = framework()
    const serve: RequestHandler = (req, res) => {
      served += 1
      res.type('text/plain').send(greeting((req as { auth?: VerifiedToken }).auth, (req as { user?: unknown }).user))
    }
    const failed: ErrorRequestHandler = (_error, _req, res, _next) => {
      res.status(500).end('bug')
    }
    app.use(framework.urlencoded({ extended: false }))
    for (const [path, { options, requirement }] of Object.entries(services)) {
      if (requirement === undefined) app.all(path, authenticateJwt(options), serve)
      else if (place === 'in the options') app.all(path, authenticateJwt({ ...options, requirement }), serve)
      else app.all(path, authenticateJwt(options), authorize(requirement), serve)
    }
    app.use(failed)
    return { ...(await listen(createServer(app))), served: () => served }
  }
