import type { LookupFunction } from 'node:net'
import type { Agent, buildConnector, Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { bare, own } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { connectOptions, type Undici } from './connection-guard.node.ts'

/** The proxy to use: the environment's, the one at an address, or none. */
type ProxyOption = string | URL | false

/** The proxy settings in the environment and the command line of the process. */
interface ProxyEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Node's own arguments. */
  readonly execArgv: readonly string[]
}

/** The proxy that requests use, and the hosts that bypass it. */
export interface ProxyRoute {
  readonly address: URL
  /** The list of `NO_PROXY`. */
  readonly exceptions: string
}

/**
 * Resolves the `proxy` option. Without one, uses the environment's proxy if Node's own switch is on: `NODE_USE_ENV_PROXY=1`, or
 * `--use-env-proxy`.
 *
 * @throws TypeError for an invalid proxy; the message never quotes an address, because it may contain a password
 */
export function resolveProxy(
  action: string,
  option: ProxyOption | undefined,
  { env, execArgv }: ProxyEnvironment,
): ProxyRoute | undefined {
  if (option === false || (option === undefined && !isSwitchedOn(env, execArgv))) return undefined
  const exceptions = variable(env, 'NO_PROXY')?.value ?? ''
  if (option !== undefined && option !== 'environment') {
    if (typeof option !== 'string' && !(option instanceof URL))
      throw misconfigured(action, `"proxy" must be ${PROXY}`, option)
    return { address: addressOf(action, '"proxy"', option), exceptions }
  }
  // Like curl and undici: HTTPS_PROXY overrides HTTP_PROXY.
  const found = variable(env, 'HTTPS_PROXY') ?? variable(env, 'HTTP_PROXY')
  return found && { address: addressOf(action, found.name, found.value), exceptions }
}

const PROXY = '"environment", false, or the address of a proxy, such as "http://proxy.example.com:3128"'

function isSwitchedOn(env: ProxyEnvironment['env'], execArgv: readonly string[]): boolean {
  const options = [...execArgv, ...(own(env, 'NODE_OPTIONS') ?? '').split(/\s+/)]
  return own(env, 'NODE_USE_ENV_PROXY') === '1' || options.includes('--use-env-proxy')
}

/** An environment variable. Prefers lower case, because clients of a web server cannot set it (CGI only sets upper case). */
function variable(env: ProxyEnvironment['env'], name: string): { name: string; value: string } | undefined {
  for (const spelled of [name.toLowerCase(), name]) {
    const value = own(env, spelled)
    if (typeof value === 'string') return value.trim() === '' ? undefined : { name: spelled, value: value.trim() }
  }
  return undefined
}

function addressOf(action: string, name: string, given: string | URL): URL {
  const text = String(given)
  try {
    // Environments often leave out the scheme: proxy.example.com:3128.
    const url = new URL(text.includes('://') ? text : `http://${text}`)
    // A percent sign in a password must be written as %25.
    decodeURIComponent(url.username + url.password)
    if (/^https?:$/.test(url.protocol) && ['', '/'].includes(url.pathname) && url.search + url.hash === '') return url
  } catch {
    // The message must not quote the address.
  }
  throw misconfigured(
    action,
    `${name} must be the address of an http or https proxy, such as http://proxy.example.com:3128`,
  )
}

/** A failed connection to the proxy. The message names the proxy, but not its credentials. */
class ProxyError extends Error {
  override readonly name: string = 'ProxyError'
  readonly code: string = 'ERR_PROXY'

  constructor(host: string, cause: Error) {
    const { code } = cause as { readonly code?: unknown }
    super(`proxy ${host}: ${typeof code === 'string' ? code : cause.message}`, { cause })
  }
}

interface ProxyAgentOptions extends Agent.Options {
  readonly lookup: LookupFunction
}

// Milliseconds for the proxy's answer to CONNECT, as in undici's connect timeout: a hanging connection must not delay the next one.
const TUNNEL_TIMEOUT = 10_000

/** An agent that connects through a proxy, except to hosts in `NO_PROXY`. */
export function proxyAgent(
  undici: Undici,
  { address, exceptions }: ProxyRoute,
  { lookup, ...agentOptions }: ProxyAgentOptions,
): Dispatcher {
  // Every option is written out, because undici copies these options and Object.prototype could supply missing ones.
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
      const named: buildConnector.connector = (target, callback) =>
        connect(target, (...[error, socket]) => {
          if (error) callback(new ProxyError(address.host, error), null)
          else callback(null, socket)
        })
      return new undici.Pool(origin, bare<Pool.Options>({ connect: named, headersTimeout: TUNNEL_TIMEOUT }))
    },
  }
  return new undici.EnvHttpProxyAgent(bare(Object.assign(options, { auth: undefined, token: undefined })))
}
