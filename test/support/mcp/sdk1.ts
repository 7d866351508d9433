import type { TokenVerifier } from '@claimgate/mcp'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { RequestHandler } from 'express'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'

interface Options {
  readonly verifier: TokenVerifier
  readonly requiredScopes?: readonly string[]
  readonly resourceMetadataUrl?: string
  readonly expectedResource?: URL
}

// Imported by a name that the compiler does not follow: the module declares a type of `req.auth` for every program that imports it.
const name: string = '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'

/** `requireBearerAuth` of SDK 1. */
export const { requireBearerAuth } = (await import(name)) as { requireBearerAuth(options: Options): RequestHandler }

/** A handler with sessions, as servers of SDK 1 have them. `methods` are those of the requests it has received. */
export function sessionsOfSdk1(): { readonly handler: Handler; readonly methods: string[]; close(): Promise<void> } {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const methods: string[] = []
  const handler: Handler = async (req, res, message) => {
    methods.push(req.method ?? '')
    const known = sessions.get(String(req.headers['mcp-session-id']))
    if (known !== undefined) return known.handleRequest(req, res, message)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await toolServer1().connect(transport)
    return transport.handleRequest(req, res, message)
  }
  return {
    handler,
    methods,
    close: async () => {
      for (const transport of sessions.values()) await transport.close()
    },
  }
}

type Handler = (req: IncomingMessage & { auth?: AuthInfo }, res: ServerResponse, message: unknown) => Promise<void>

function toolServer1(): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }, { authInfo }) => ({
    content: [{ type: 'text', text: `${text} | ${authInfo?.clientId}` }],
  }))
  server.registerTool('purge', {}, () => ({ content: [{ type: 'text', text: 'purged' }] }))
  return server
}
