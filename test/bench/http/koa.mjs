import { createServer } from 'node:http'

import Koa from 'koa'

import { createAuthenticator, NodeRequestView } from '../../../packages/core/dist/adapter.js'
import { uncached } from '../fixtures/core.mjs'
import { ours } from './settings.mjs'
import { signatureAlone } from './signature-alone.mjs'

/** Koa 3 without protection, and with ours as in `docs/recipes/koa.md`. Each returns its server. */
export const KOA = {
  bare: () => serve(undefined, () => 'ada'),
  'signature alone': async (settings) => {
    const verify = await signatureAlone(settings)
    const protection = async (ctx, next) => {
      if (await verify(ctx.headers.authorization)) await next()
      else ctx.status = 401
    }
    return serve(protection, () => 'ada')
  },
  claimgate: (settings) => serve(protectionOf(ours(settings)), subOf),
  'claimgate, no cache': (settings) => serve(protectionOf(uncached(ours(settings))), subOf),
}

const subOf = ({ state }) => state.auth.token.claims.sub

function protectionOf(options) {
  const authenticator = createAuthenticator(options)
  return async (ctx, next) => {
    const outcome = await authenticator.authenticate(new NodeRequestView(ctx.request, ctx.req))
    if (outcome.kind === 'refused') {
      ctx.status = outcome.response.status
      return
    }
    ctx.state.auth = outcome
    await next()
  }
}

function serve(protection, sub) {
  const app = new Koa()
  if (protection !== undefined) app.use(protection)
  app.use((ctx) => {
    ctx.body = { sub: sub(ctx) }
  })
  return createServer(app.callback())
}
