// Runs several snippets in one process: each is an API on a port, with an environment that says which.
import { getRequestListener } from '@hono/node-server'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** A snippet to run. */
export interface Tab {
  readonly file: string
  readonly env: Readonly<Record<string, string>> & { readonly PORT: string }
}

const tabs = JSON.parse(process.argv[2] ?? '[]') as readonly Tab[]
for (const { file, env } of tabs) {
  // Read while the snippet loads.
  Object.assign(process.env, env)
  const { default: worker } = (await import(file)) as {
    readonly default?: { fetch(request: Request): Response | Promise<Response> }
  }
  if (worker === undefined) continue
  const listener = getRequestListener((request) => worker.fetch(request))
  await once(createServer((req, res) => void listener(req, res)).listen(Number(env.PORT), '127.0.0.1'), 'listening')
}
process.stderr.write('every tab runs\n')
