import { authenticateJwt, authorize, type OnReject } from '@claimgate/express'
import type express from 'express'
import type { RequestHandler, Response } from 'express'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { listenTo, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, failAsTold, type Situation, slowBody, storyOf, WAIT, type World } from './world.ts'

// These packages have no types.
const require = createRequire(import.meta.url)
const session = require('express-session') as (options: object) => RequestHandler
const { Store } = require('express-session') as { readonly Store: new () => object }
const cookies = require('cookie-parser') as () => RequestHandler

/** @param framework - the module of Express 4 or 5 */
export const startExpress =
  (framework: typeof express): StartServer =>
  async (world, situations) => {
    const app = framework()
    app.use((req, _res, next) => {
      const story = storyOf(world, req.headers[CASE_HEADER])
      world.reach(story.id, 'arrived')
      world.stories.run(story, next)
    })
    const serve: RequestHandler = (req, res) => {
      world.served.add(String(req.headers[CASE_HEADER]))
      res.send('served')
    }
    for (const { path, options, requirement, situation } of routesOf(world, situations)) {
      const around = middlewareOf(situation, world)
      const onReject = onRejectOf(situation, world)
      const protect = authenticateJwt({ ...options, ...(onReject && { onReject }) })
      const router = framework.Router()
      router.use(...around, framework.json(), framework.urlencoded({ extended: false }))
      // In a route handler, and in a second route after it, which `next('route')` would continue with.
      router.all('/', protect, requirement === undefined ? passOn : authorize(requirement), serve)
      router.all('/', serve)
      app.use(path, router)
      app.all(path, serve)
    }
    return listenTo(createServer(app))
  }

const passOn: RequestHandler = (_req, _res, next) => next()

function middlewareOf(situation: Situation, world: World): readonly RequestHandler[] {
  if (situation === 'session') return [cookies(), session(sessionOptions(world))]
  if (situation !== 'waiting' && situation !== 'sent-and-failing') return [passOn]
  // Like a session or an audit log.
  return [
    (req, res, next) => {
      const end = res.end.bind(res) as (...args: unknown[]) => Response
      res.end = ((...args: unknown[]) => {
        world.reach(String(req.headers[CASE_HEADER]), 'sending')
        setTimeout(() => end(...args), WAIT)
        return res
      }) as typeof res.end
      next()
    },
  ]
}

function onRejectOf(situation: Situation, world: World): OnReject | undefined {
  switch (situation) {
    case 'stream':
      return ({ response: { status, headers } }, _req, res) => {
        res.status(status).set(headers)
        Readable.from(slowBody()).pipe(res)
        return res
      }
    case 'later':
      return ({ response: { status, headers } }, _req, res) => {
        setTimeout(() => res.status(status).set(headers).end('no entry'), WAIT)
        return res
      }
    case 'directory':
      // Express itself continues with `req.next()`.
      return ({ response: { status, headers } }, _req, res) => {
        res
          .status(status)
          .set(headers)
          .sendFile(import.meta.dirname)
        return res
      }
    case 'failing':
      return failAsTold(world)
    case 'sent-and-failing':
      return ({ response: { status, headers } }, _req, res) => {
        res.status(status).set(headers).end('no entry')
        return failAsTold(world)()
      }
    default:
      return undefined
  }
}

function sessionOptions(world: World): object {
  class SlowStore extends Store {
    get(_id: string, callback: () => void): void {
      setTimeout(callback, WAIT)
    }
    set(_id: string, _session: object, callback: () => void): void {
      world.reach(world.stories.getStore()?.id ?? '', 'sending')
      setTimeout(callback, WAIT)
    }
    destroy(_id: string, callback: () => void): void {
      callback()
    }
  }
  return { secret: 'a secret of the test', store: new SlowStore(), resave: true, saveUninitialized: true }
}
