import type { LookupFunction } from 'node:net'

import type { Agent, buildConnector, Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'

import { bare } from '../model/own.ts'
import { connectOptions } from './connect-options.node.ts'
import type { Undici } from './load-undici.node.ts'
import type { ProxyRoute } from './proxy.node.ts'

/** A connection to the proxy that could not be made. Names the proxy, and not its credentials. */
class ProxyError extends Error {
  override readonly name: string = 'ProxyError'
  readonly code: string = 'ERR_PROXY'

  constructor(host: string, cause: Error) {
    const { code } = cause as { readonly code?: unknown }
    super(`proxy ${host}: ${typeof code === 'string' ? code : cause.message}`, { cause })
  }
}

export interface ProxyAgentOptions extends Agent.Options {
  readonly lookup: LookupFunction
}

// Milliseconds for the proxy's answer to CONNECT, as undici has for connecting: a connection that hangs must not keep the next one waiting.
const TUNNEL_TIMEOUT = 10_000

/** An agent that connects through a proxy, but for hosts of `NO_PROXY`. */
export function proxyAgent(
  undici: Undici,
  { address, exceptions }: ProxyRoute,
  { lookup, ...agentOptions }: ProxyAgentOptions,
): Dispatcher {
  // What is not written out here may come from Object.prototype, because undici copies these options.
  const options: EnvHttpProxyAgent.Options = {
    ...agentOptions,
    allowH2: false,
    httpProxy: address.href,
    httpsProxy: address.href,
    noProxy: exceptions,
    proxyTunnel: true,
    proxyTls: bare(connectOptions(lookup)),
    requestTls: bare(connectOptions(undefined)),
    headers: bare({}),
    clientFactory: (origin, given) => {
      const { connect } = given as { readonly connect: buildConnector.connector }
      const named: buildConnector.connector = (target, callback) => connect(target, naming(address.host, callback))
      return new undici.Pool(origin, bare<Pool.Options>({ connect: named, headersTimeout: TUNNEL_TIMEOUT }))
    },
  }
  return new undici.EnvHttpProxyAgent(bare(Object.assign(options, { auth: undefined, token: undefined })))
}

function naming(host: string, callback: buildConnector.Callback): buildConnector.Callback {
  return (...[error, socket]) => {
    if (error) callback(new ProxyError(host, error), null)
    else callback(null, socket)
  }
}
