import 'reflect-metadata'
import { Catch, Module } from '@nestjs/common'
import { APP_FILTER, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { ArgumentsHost, DynamicModule, INestApplication, Provider, Type } from '@nestjs/common'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { RequestListener } from 'node:http'

export type Platform = 'Express' | 'Fastify'

export interface AppParts {
  readonly imports: readonly DynamicModule[]
  readonly controllers: readonly Type[]
  readonly providers?: readonly Provider[]
  /** Called before the start. */
  readonly prepare?: (app: INestApplication) => unknown
  readonly fastify?: FastifyServerOptions
  /** @defaultValue true */
  readonly bodyParser?: boolean
}

/** Starts an application, without a server. */
export async function startApp(platform: Platform, parts: AppParts): Promise<INestApplication> {
  class Root {}
  const { imports, controllers, providers = [], prepare, fastify = {}, bodyParser = true } = parts
  Module({ imports: [...imports], controllers: [...controllers], providers: [...providers] })(Root)
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter(fastify)
  const app = await NestFactory.create(Root, adapter, { logger: false, abortOnError: false, bodyParser })
  await prepare?.(app)
  await app.init()
  if (platform === 'Fastify') await instanceOf(app).ready()
  return app
}

/** The listener of a started application. */
export function listenerOf(app: INestApplication, platform: Platform): RequestListener {
  if (platform === 'Express') return app.getHttpAdapter().getInstance() as RequestListener
  return (req, res) => instanceOf(app).routing(req, res)
}

function instanceOf(app: INestApplication): FastifyInstance {
  return app.getHttpAdapter().getInstance() as FastifyInstance
}

/** Applies decorators to a method, as the compiler of TypeScript does. */
export function decorate(
  type: Type,
  method: string,
  decorators: readonly MethodDecorator[],
  parameters: readonly ParameterDecorator[] = [],
): void {
  const prototype = type.prototype as object
  parameters.forEach((decorator, index) => decorator(prototype, method, index))
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method) ?? {}
  for (const decorator of decorators.toReversed()) decorator(prototype, method, descriptor)
}

/** A filter of an application for its own bugs, in its root module. */
export function bugFilter(answer = 'bug'): Provider {
  class BugFilter {
    catch(_error: unknown, host: ArgumentsHost): void {
      const response = host.switchToHttp().getResponse<{ status(status: number): { send(body: string): void } }>()
      response.status(500).send(answer)
    }
  }
  Catch()(BugFilter)
  return { provide: APP_FILTER, useClass: BugFilter }
}
