import type { AuthenticatorOptions, Requirement } from '@claimgate/core'
import type { Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import { FAILING_HOOKS, type FailingHook } from '../adapters/failing-hooks.ts'
import { failAsTold, type Situation, type World } from './world.ts'

/** A server with every route of the suite, behind one adapter. */
export interface RefusingServer {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Starts a server that has a route for each situation. */
export type StartServer = (world: World, situations: readonly Situation[]) => Promise<RefusingServer>

/** A route of the suite: its protection, and its surroundings. */
export interface RefusingRoute {
  readonly path: string
  readonly options: AuthenticatorOptions
  readonly requirement: Requirement | undefined
  readonly situation: Situation
}

export const formPath = (path: string): string => `${path}/form`
export const slowKeysPath = (state: 'alive' | 'dead', situation: 'plain' | 'waiting'): string =>
  `/keys/${state}/${situation}`
export const hookPath = (index: number, situation: 'plain' | 'waiting'): string => `/hook/${index}/${situation}`

/** All routes; each of `situations` also takes its token from a form. */
export function routesOf(world: World, situations: readonly Situation[]): readonly RefusingRoute[] {
  const { options, requirement } = world
  const plain = situations.map((situation) => ({ path: `/${situation}`, options, requirement, situation }))
  const credentials = [{ from: 'authorization' }, { from: 'form' }] as const
  const forms = plain.map((route) => ({ ...route, path: formPath(route.path), options: { ...options, credentials } }))
  const slow = (['alive', 'dead'] as const).flatMap((state) =>
    (['plain', 'waiting'] as const).map((situation) => ({
      path: slowKeysPath(state, situation),
      options: world.slowKeys(state),
      requirement,
      situation,
    })),
  )
  return [...plain, ...forms, ...slow, ...FAILING_HOOKS.flatMap((hook, index) => hookRoutes(world, hook, index))]
}

function hookRoutes(world: World, { resource }: FailingHook, index: number): readonly RefusingRoute[] {
  return (['plain', 'waiting'] as const).map((situation) => {
    const { options, requirement } = resource(failAsTold(world))
    return { path: hookPath(index, situation), options, requirement, situation }
  })
}

/** Listens on a free port of 127.0.0.1; closing ends every connection. */
export async function listenTo(server: Server | Http2Server): Promise<RefusingServer> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket: { destroy(): void; on(event: 'close', listener: () => void): void }) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as { readonly port: number }
  return {
    port,
    close: async () => {
      const closed = new Promise((resolve) => {
        server.close(resolve)
      })
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
