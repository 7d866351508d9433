import { scope } from '@claimgate/core'
import { mcpResource } from '@claimgate/mcp'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/** A running server. */
export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** A running MCP server. */
export interface NotesServer extends RunningServer {
  /** Its address on 127.0.0.1, which may differ from the URL that clients use. */
  readonly address: string
}

/** Where the server is, and whose tokens it accepts. */
export interface NotesServerOptions {
  /** The authorization server. */
  readonly issuer: string
  /** The port on 127.0.0.1. @defaultValue a free one */
  readonly port?: number
  /** The URL that clients use. @defaultValue the address on 127.0.0.1 */
  readonly resource?: string
  /** Whether to print why requests are refused. @defaultValue true */
  readonly log?: boolean
}

/** Starts an MCP server with notes. `list_notes` needs the scope `notes:read`, `delete_notes` also `notes:admin`. */
export async function startNotesServer(options: NotesServerOptions): Promise<NotesServer> {
  const { issuer, port = 0, resource, log = true } = options
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const url = resource ?? address

  const notes = new Map([['ada', ['Buy milk', 'Call Bob']]])
  const mcp = mcpResource({
    resource: url,
    issuer,
    scopes: ['notes:read'],
    tools: { delete_notes: scope('notes:admin') },
    metadata: { resourceName: 'Notes' },
    log: log && { warn: (line) => console.error(line) },
  })
  const handler = createMcpHandler(() => notesServer(notes))
  server.on('request', express().use(mcp.express(toNodeHandler(handler))))
  return {
    url,
    address,
    close: async () => {
      await handler.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function notesServer(notes: Map<string, readonly string[]>): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('list_notes', { description: 'Lists your notes' }, ({ http }) => {
    const mine = notes.get(userOf(http?.authInfo)) ?? []
    return answer(mine.length === 0 ? 'no notes' : mine.join(', '))
  })
  const which = z.object({ containing: z.string().describe('Deletes notes that contain this text') })
  server.registerTool(
    'delete_notes',
    { description: 'Deletes your notes', inputSchema: which },
    ({ containing }, { http }) => {
      const user = userOf(http?.authInfo)
      const mine = notes.get(user) ?? []
      const kept = mine.filter((note) => !note.includes(containing))
      notes.set(user, kept)
      return answer(`${mine.length - kept.length} deleted`)
    },
  )
  return server
}

/** The user of the verified token. */
function userOf(authInfo: { readonly extra?: Record<string, unknown> } | undefined): string {
  const { sub } = (authInfo?.extra?.['claims'] ?? {}) as { readonly sub?: string }
  return sub ?? ''
}

function answer(text: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text }] }
}
