import {
  connectNotesClient,
  type NotesClient,
  type NotesServer,
  startAuthorizationServer,
  startNotesServer,
} from '@claimgate-examples/mcp-server'
import type { Narrator } from './narrator.ts'

/** Tells how the official MCP client logs in at a protected server, and steps up. */
export async function tellMcpStory(narrator: Narrator): Promise<void> {
  const authority = await startAuthorizationServer()
  const server = await startNotesServer({ issuer: authority.url, log: false })
  const lines: string[] = []
  let client: NotesClient | undefined
  try {
    narrator.step('A client connects, and knows nothing but the address of the MCP server')
    client = await connectNotesClient(server.url, (line) => lines.push(line))
    told(narrator, lines, [
      '401: Bearer realm="api", scope="notes:read"',
      'consents to: notes:read',
      'a token for: notes:read',
    ])
    narrator.say(
      'The challenge named the metadata, and the metadata the authorization server. The client asked for a token for this server only (RFC 8707).',
    )

    narrator.step('It calls a tool that this token is sufficient for')
    answered(narrator, 'list_notes', await client.call('list_notes'), 'Buy milk, Call Bob')

    narrator.step('It calls a tool that needs more: the client steps up, and calls it again')
    const deleted = await client.call('delete_notes', { containing: 'milk' })
    told(narrator, lines, [
      '403: Bearer realm="api", error="insufficient_scope"',
      'consents to: notes:read notes:admin',
      'a token for:',
    ])
    answered(narrator, 'delete_notes', deleted, '1 deleted')
    narrator.say(
      'The MCP server itself never saw the refused call. The challenge had all scopes of the call, so Ada was asked once.',
    )

    narrator.step('The token is of no use at another MCP server, even if the authorization server is the same')
    const other = await startNotesServer({ issuer: authority.url, log: false })
    await refused(narrator, other, client.token())
    await other.close()

    narrator.step('The authorization server is down: a second process without keys answers 503, not 401')
    const late = await startNotesServer({ issuer: authority.url, resource: server.url, log: false })
    await authority.close()
    await unavailable(narrator, late, client.token())
    await late.close()
    answered(narrator, 'list_notes', await client.call('list_notes'), 'Call Bob')
    narrator.say('The first process has the keys in its cache. A client that got 401 would throw a good token away.')
  } finally {
    await client?.close()
    await server.close()
    await authority.close()
  }
}

/** Prints the lines of the client, each of which must contain a text. */
function told(narrator: Narrator, lines: string[], expected: readonly string[]): void {
  const found = lines.splice(0)
  for (const [index, text] of expected.entries()) {
    const line = found[index] ?? 'nothing'
    narrator.got(line, line.includes(text) ? [] : [`expected: ${text}`])
  }
  if (found.length > expected.length) narrator.got(found.slice(expected.length).join('; '), ['expected no more'])
}

function answered(narrator: Narrator, tool: string, text: string, expected: string): void {
  narrator.got(`${tool}: ${text}`, text === expected ? [] : [`expected: ${expected}`])
}

const CALL = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'list_notes', arguments: {} },
})

async function statusOf({ address }: NotesServer, token: string): Promise<number> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  return (await fetch(address, { method: 'POST', headers, body: CALL, signal: AbortSignal.timeout(10_000) })).status
}

async function refused(narrator: Narrator, server: NotesServer, token: string): Promise<void> {
  const status = await statusOf(server, token)
  narrator.got(`the same token → another server: ${status}`, status === 401 ? [] : ['expected: 401'])
}

async function unavailable(narrator: Narrator, server: NotesServer, token: string): Promise<void> {
  const status = await statusOf(server, token)
  narrator.got(`the same token → a process without keys: ${status}`, status === 503 ? [] : ['expected: 503'])
}
