import type { VerifiedToken } from '@claimgate/core'
import { Auth, ClaimgateModule, Require } from '@claimgate/nestjs'
import { All, Controller, Header, HttpCode, Req } from '@nestjs/common'
import { createServer, type RequestListener } from 'node:http'
import { bugFilter, decorate, listenerOf, type Platform, startApp } from '../nestjs/nest.ts'
import { greeting, type Service } from './services.ts'
import { listen, type StartAdapter } from './started-adapter.ts'

/** An application for each service, because the guard of Nest protects all of one. */
export const startNest =
  (platform: Platform): StartAdapter =>
  async (services) => {
    let served = 0
    const start = async ([path, { options, requirement }]: readonly [string, Service]): Promise<
      [string, RequestListener]
    > => {
      class Orders {
        serve(auth: VerifiedToken | undefined, request: { readonly user?: unknown }): string {
          served += 1
          return greeting(auth, request.user)
        }
      }
      Controller()(Orders)
      const rules = requirement === undefined ? [] : [Require(requirement)]
      decorate(
        Orders,
        'serve',
        [All(path), HttpCode(200), Header('content-type', 'text/plain'), ...rules],
        [Auth(), Req()],
      )
      const app = await startApp(platform, {
        imports: [ClaimgateModule.forRoot(options)],
        controllers: [Orders],
        providers: [bugFilter()],
      })
      return [path, listenerOf(app, platform)]
    }
    const listeners = new Map(await Promise.all(Object.entries(services).map(start)))
    const server = createServer((req, res) => {
      const serve = listeners.get(req.url?.split('?')[0] ?? '')
      if (serve === undefined) res.writeHead(404).end()
      else serve(req, res)
    })
    return { ...(await listen(server)), served: () => served }
  }
