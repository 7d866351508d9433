import { createAuthenticator, type ProtectedResource, type Verifier } from '@claimgate/core'
import { assertCanAsk, bare, kindOf, misconfigured } from '@claimgate/core/adapter'
import { protectedResource } from '@claimgate/core/metadata'
import { type SdkErrors, type ServerErrors, type TokenVerifier, tokenVerifier } from './auth-info.ts'
import type { Endpoint } from './endpoint.ts'
import { fastifyPlugin, type FastifyPlugin } from './fastify.ts'
import { type FetchHandler, fetchHandler, type McpFetchHandler } from './fetch.ts'
import { createGate } from './gate.ts'
import { type NodeHandler, nodeMiddleware, type NodeMiddleware, type NodeRequest, type NodeResponse } from './node.ts'
import { ACTION, type McpResourceOptions, resolveMcpOptions } from './options.ts'

/**
 * A protected MCP server. Give its handler to the method of your framework: it gets only requests with a sufficient token. The method also
 * serves the metadata of the resource.
 */
export interface McpResource {
  /** The resource identifier and its metadata (RFC 9728). */
  readonly resource: ProtectedResource
  /** The verifier, for `ready()` at start-up and `status()` in probes. The gate does more than its `verify`. */
  readonly verifier: Verifier
  /**
   * A middleware for Express, Connect and `node:http`: `app.use(mcp.express(toNodeHandler(server)))`. The handler gets the parsed message as its
   * third argument, because the stream has been read. If a body parser ran before, its result is used. All other requests go to the next
   * middleware; without one, they get status 404.
   */
  express<Q = NodeRequest, S = NodeResponse>(handler: NodeHandler<Q, S>): NodeMiddleware
  /**
   * A plugin for Fastify 5: `app.register(mcp.fastify(toNodeHandler(server)))`, without a prefix. The handler gets the request and the response
   * of Node, and the parsed message.
   *
   * @throws TypeError for a path with an asterisk or an escaped delimiter, which the router cannot compare
   */
  fastify<Q = NodeRequest, S = NodeResponse>(handler: NodeHandler<Q, S>): FastifyPlugin
  /**
   * A handler for Workers, Deno, Bun and Hono: `export default { fetch: mcp.fetch(server.fetch) }`. The handler gets the request, whose body can
   * still be read, and `{ authInfo, parsedBody }`.
   *
   * @param otherwise - answers all other requests. @defaultValue status 404
   */
  fetch<R extends readonly unknown[]>(
    handler: McpFetchHandler<R>,
    otherwise?: FetchHandler<R>,
  ): (request: Request, ...rest: R) => Promise<Response>
  /**
   * A verifier for `requireBearerAuth` of `@modelcontextprotocol/server`, `@modelcontextprotocol/express` or `@modelcontextprotocol/sdk` 1. It checks
   * the token and `scopes`; not the tools, the message or a DPoP proof.
   *
   * @param errors - `{ OAuthError }` of `@modelcontextprotocol/server`, or the module `@modelcontextprotocol/sdk/server/auth/errors.js`
   */
  tokenVerifier(errors: ServerErrors | SdkErrors): TokenVerifier
}

/**
 * Makes an MCP server a resource server of OAuth 2.1, as the MCP authorization specification demands (revision 2026-07-28): metadata, challenges
 * with all scopes of an operation, the audience, scopes of single tools, and 503 during an outage.
 *
 * A request is checked before the transport sees it: first the token, then the message, then the scopes that the message needs. Call it once,
 * because it holds the keys.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function mcpResource(given: McpResourceOptions): McpResource {
  const options = resolveMcpOptions(given)
  const { scopes, path, clock, bodyLength: most, bodyTimeout: seconds } = options
  const resource = protectedResource({
    ...options.metadata,
    resource: options.resource,
    ...(scopes.length > 0 && { scopesSupported: scopes }),
  })
  const authenticator = createAuthenticator({ ...options.authenticator, resource })
  for (const rule of Object.values(options.tools))
    if (typeof rule === 'object') assertCanAsk(ACTION, rule, authenticator.verifier)
  const gate = createGate(bare({ ...options, authenticator, resource, limits: { most, seconds, clock } }))
  const endpoint: Endpoint = Object.freeze({ gate, resource, path })
  return Object.freeze<McpResource>({
    resource,
    verifier: authenticator.verifier,
    express: (handler) => nodeMiddleware(endpoint, checked(handler)),
    fastify: (handler) => fastifyPlugin(endpoint, checked(handler)),
    fetch: (handler, otherwise) => fetchHandler(endpoint, checked(handler), otherwise),
    tokenVerifier: (errors) => tokenVerifier({ authenticator, requirement: gate.base, audience: resource }, errors),
  })
}

function checked<H>(handler: H): H {
  if (typeof handler === 'function') return handler
  throw misconfigured('serve MCP', 'give a handler, such as toNodeHandler(server) or server.fetch', kindOf(handler))
}
