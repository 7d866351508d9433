import { authenticateJwt, authorize, type OptionalAuthEnv } from '@claimgate/hono'
import { createAdaptorServer } from '@hono/node-server'
import { type Handler, Hono } from 'hono'
import type { Server } from 'node:http'
import type { RequirementPlace } from './express-adapter.ts'
import { greeting } from './services.ts'
import { listen, type StartAdapter } from './started-adapter.ts'

/** Every service on the server of Hono for Node. */
export const startHono =
  (place: RequirementPlace): StartAdapter =>
  async (services) => {
    let served = 0
    const app = new Hono<OptionalAuthEnv>()
    const serve: Handler<OptionalAuthEnv> = (c) => {
      served += 1
      return c.text(greeting(c.get('auth'), (c.var as { user?: unknown }).user))
    }
    app.onError((_error, c) => c.text('bug', 500))
    for (const [path, { options, requirement }] of Object.entries(services)) {
      if (requirement === undefined) app.all(path, authenticateJwt(options), serve)
      else if (place === 'in the options') app.all(path, authenticateJwt({ ...options, requirement }), serve)
      else app.all(path, authenticateJwt(options), authorize(requirement), serve)
    }
    return { ...(await listen(createAdaptorServer({ fetch: app.fetch }) as Server)), served: () => served }
  }
