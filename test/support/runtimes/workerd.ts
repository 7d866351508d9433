import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { launch, type Launched } from './launch.ts'

/** Where the npm package installs it. */
export const workerdBinary: string = join(import.meta.dirname, '../../node_modules/workerd/bin/workerd')

/** The export conditions that the tools of Cloudflare bundle with. */
export const WORKER_CONDITIONS: string[] = ['workerd', 'worker', 'browser']

/** A module worker to run. */
export interface WorkerSpec {
  /** Name of a bundle in the folder. */
  readonly script: string
  /** Bindings that are text, by name. */
  readonly variables?: Readonly<Record<string, string>>
  /** A KV namespace bound as `KEYS`: the port of a server on 127.0.0.1 that speaks the protocol of KV. */
  readonly kvPort?: number
}

/** Serves one module worker with workerd, on a free port. Its `fetch` can reach only this machine and its private network. */
export async function startWorkerd(spec: WorkerSpec, folder: string): Promise<Launched> {
  const config = `${spec.script}.capnp`
  await writeFile(join(folder, config), configText(spec))
  return launch(workerdBinary, ['serve', '--control-fd=1', config], folder)
}

function configText({ script, variables = {}, kvPort }: WorkerSpec): string {
  const bindings = Object.entries(variables).map(
    ([name, value]) => `( name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)} )`,
  )
  const kv = `( name = "kv", external = ( address = "127.0.0.1:${kvPort}", http = () ) )`
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "main", worker = .main ),
    ( name = "loopback", network = ( allow = ["private"] ) ),
    ${kvPort === undefined ? '' : kv}
  ],
  sockets = [ ( name = "http", address = "127.0.0.1:0", http = (), service = "main" ) ],
);

const main :Workerd.Worker = (
  modules = [ ( name = "worker", esModule = embed ${JSON.stringify(script)} ) ],
  compatibilityDate = "2026-11-01",
  globalOutbound = "loopback",
  bindings = [ ${[...bindings, ...(kvPort === undefined ? [] : ['( name = "KEYS", kvNamespace = "kv" )'])].join(', ')} ],
);
`
}
