import 'reflect-metadata'

// From the packages of the tests, because all parts of NestJS must come from one copy.
import { Controller, Get, Module, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'

import { ClaimgateModule } from '../../../packages/nestjs/dist/index.js'
import { uncached } from '../fixtures/core.mjs'
import { ours } from './settings.mjs'
import { signatureAlone } from './signature-alone.mjs'

/** NestJS 12 on Express without protection, and with ours. Each returns its listening server. */
export const NESTJS = {
  bare: () => serve([], () => 'ada'),
  'signature alone': async (settings) => {
    const verify = await signatureAlone(settings)
    class SignatureGuard {
      async canActivate(context) {
        return verify(context.switchToHttp().getRequest().headers.authorization)
      }
    }
    return serve([], () => 'ada', new SignatureGuard())
  },
  claimgate: (settings) => serve([ClaimgateModule.forRoot(ours(settings))], ({ auth }) => auth.claims.sub),
  'claimgate, no cache': (settings) =>
    serve([ClaimgateModule.forRoot(uncached(ours(settings)))], ({ auth }) => auth.claims.sub),
}

async function serve(imports, subOf, guard) {
  class Me {
    me(request) {
      return { sub: subOf(request) }
    }
  }
  class Root {}
  Req()(Me.prototype, 'me', 0)
  Get('me')(Me.prototype, 'me', Object.getOwnPropertyDescriptor(Me.prototype, 'me'))
  Controller()(Me)
  Module({ imports, controllers: [Me] })(Root)
  const app = await NestFactory.create(Root, new ExpressAdapter(), { logger: false })
  if (guard !== undefined) app.useGlobalGuards(guard)
  await app.listen(0, '127.0.0.1')
  return app.getHttpServer()
}
