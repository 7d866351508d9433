import { scope } from '@claimgate/core'
import { mcpResource, type McpResource, type McpResourceOptions } from '@claimgate/mcp'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer, type McpHttpHandler } from '@modelcontextprotocol/server'
import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { z } from 'zod'

/** A protected MCP server on 127.0.0.1. */
export interface StartedMcp {
  readonly port: number
  readonly url: URL
  readonly mcp: McpResource
  /** Methods of the messages that the transport has received; the HTTP method for requests without one. */
  readonly received: string[]
  close(): Promise<void>
}

/** How a framework serves a resource. `handler` counts what it receives. */
type Mount = (
  mcp: McpResource,
  handler: McpHttpHandler,
) => Promise<{ readonly listener: RequestListener; close?(): unknown }>

/** The frameworks, by name. */
export const FRAMEWORKS: Readonly<Record<string, Mount>> = {
  Express: async (mcp, handler) => ({ listener: express().use(mcp.express(toNodeHandler(handler))) }),
  'node:http': async (mcp, handler) => ({ listener: mcp.express(toNodeHandler(handler)) }),
  Fastify: async (mcp, handler) => {
    const app = fastify()
    await app.register(mcp.fastify(toNodeHandler(handler)))
    await app.ready()
    return { listener: (req, res) => app.routing(req, res), close: () => app.close() }
  },
  fetch: async (mcp, handler) => ({ listener: bridge(mcp.fetch(handler.fetch)) }),
}

/** The three frameworks of the interop tests. */
export const THREE = ['Express', 'Fastify', 'fetch'] as const

export const SCOPES = ['mcp:tools', 'mcp:admin']

/** Starts a server with the tools `echo` and `purge`; `purge` needs the scope `mcp:admin`. */
export async function startMcp(
  framework: string,
  optionsAt: (origin: string) => Omit<McpResourceOptions, 'resource' | 'scopes'> & Partial<McpResourceOptions>,
): Promise<StartedMcp> {
  const server = createServer()
  const port = await listen(server)
  const url = new URL(`http://127.0.0.1:${port}/mcp`)
  const mcp = mcpResource({
    resource: url.href,
    scopes: ['mcp:tools'],
    tools: { purge: scope('mcp:admin') },
    ...optionsAt(url.origin),
  } as McpResourceOptions)
  const received: string[] = []
  const { fetch, ...rest } = createMcpHandler(toolServer)
  const counting: McpHttpHandler = {
    ...rest,
    fetch: async (request, given) => {
      const text = await request.clone().text()
      received.push(text === '' ? request.method : String((JSON.parse(text) as { method?: unknown }).method))
      return fetch(request, given)
    },
  }
  const mount = FRAMEWORKS[framework]
  if (mount === undefined) throw new Error(`There is no framework ${framework}`)
  const { listener, close = () => {} } = await mount(mcp, counting)
  server.on('request', listener)
  return {
    port,
    url,
    mcp,
    received,
    close: async () => {
      await close()
      await rest.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A server whose tools tell what they learn about the caller. */
export function toolServer(): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }, { http }) => {
    const { clientId, scopes, extra } = http?.authInfo ?? {}
    const { sub } = (extra?.['claims'] ?? {}) as { sub?: string }
    return { content: [{ type: 'text', text: [text, sub, clientId, scopes?.join(' ')].join(' | ') }] }
  })
  server.registerTool('purge', { inputSchema: z.object({}) }, () => ({ content: [{ type: 'text', text: 'purged' }] }))
  return server
}

/** Listens on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A minimal bridge from `node:http` to `fetch`, which streams both bodies. */
export function bridge(handler: (request: Request) => Promise<Response>): RequestListener {
  return (req, res) => {
    const answer = async (): Promise<void> => {
      const headers = new Headers()
      for (let at = 0; at < req.rawHeaders.length; at += 2)
        headers.append(req.rawHeaders[at] ?? '', req.rawHeaders[at + 1] ?? '')
      const method = req.method ?? 'GET'
      const hasBody = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined
      const body = hasBody && method !== 'GET' && method !== 'HEAD' ? Readable.toWeb(req) : null
      const init = { method, headers, ...(body !== null && { body, duplex: 'half' }) } as RequestInit
      const response = await handler(new Request(`http://127.0.0.1${req.url}`, init))
      // As servers for fetch do, because the rest of the body is not read.
      if (!req.complete) res.setHeader('connection', 'close')
      for (const [name, value] of response.headers) res.setHeader(name, value)
      res.writeHead(response.status)
      for await (const chunk of response.body ?? []) res.write(chunk)
      res.end()
    }
    answer().catch(() => {
      if (!res.headersSent) res.writeHead(500)
      res.end('bug')
    })
  }
}
