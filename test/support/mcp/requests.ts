import type { McpResourceOptions } from '@claimgate/mcp'
import { createTestKeys } from '@claimgate/testing'

export const ISSUER = 'https://auth.example.com'

const keys = await createTestKeys('ES256', { kid: 'key-1' })
const otherKeys = await createTestKeys('ES256', { kid: 'key-1', generation: 1 })

/** Options that verify the tokens of `tokenFor`. */
export const VERIFYING = {
  issuer: ISSUER,
  jwks: { keys: [keys.publicJwk] },
} satisfies Partial<McpResourceOptions>

/** A token with the scope `mcp:tools`; claims of `undefined` are omitted. */
export async function tokenFor(resource: string, claims: object = {}): Promise<string> {
  return keys.sign(claimsFor(resource, claims))
}

/** The same token, signed with another key. */
export async function forgedTokenFor(resource: string): Promise<string> {
  return otherKeys.sign(claimsFor(resource, {}))
}

function claimsFor(resource: string, claims: object): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: ISSUER, aud: resource, sub: 'ada', client_id: 'client-1', iat: now, exp: now + 600 }
  return { ...usual, scope: 'mcp:tools', ...claims }
}

/** The header fields of an MCP client, and its token. */
export const fieldsWith = (token: string | undefined, more: Record<string, string> = {}): Record<string, string> => ({
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
  ...more,
})

/** A message that calls a tool, as JSON. */
export const callOf = (name: string, more: object = {}): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name, arguments: ARGUMENTS[name] ?? {} },
    ...more,
  })

const ARGUMENTS: Readonly<Record<string, object>> = { echo: { text: 'hi' } }

/** A call as clients of revision 2026-07-28 send it. */
export const modernCallOf = (name: string): string =>
  callOf(name, {
    params: {
      name,
      arguments: ARGUMENTS[name] ?? {},
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  })

/** The header fields of such a call. */
export const modernFields = (token: string, name: string): Record<string, string> =>
  fieldsWith(token, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name })

/** The code of a JSON-RPC error. */
export const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { readonly error: { readonly code: number } }).error.code
