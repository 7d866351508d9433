import {
  Client as Client2,
  type DpopSession,
  StreamableHTTPClientTransport as Transport2,
} from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CLIENT_ID, CLIENT_SECRET, followToCallback, REDIRECT_URI } from '../interop/client.ts'

/** A real MCP client of a user who logs in whenever a server demands it. */
export interface McpClient {
  /** The text of a tool's answer. Logs in as often as needed. */
  call(name: string, args?: Record<string, unknown>): Promise<string>
  /** The scopes of each authorization request, in order. */
  readonly requested: string[]
  /** The current access token. */
  token(): string
  close(): Promise<void>
}

interface Session {
  readonly provider: object
  readonly requested: string[]
  token(): string
  /** The address with the code of the latest log-in. */
  callback(): URL
}

/** What a client remembers about a user and an authorization server. */
function createSession(dpop?: DpopSession): Session {
  let [tokens, verifier]: [unknown, string] = [undefined, '']
  let callback: URL | undefined
  let discovery: unknown
  const requested: string[] = []
  const provider = {
    redirectUrl: REDIRECT_URI,
    clientMetadata: { redirect_uris: [REDIRECT_URI] },
    clientInformation: () => ({ client_id: CLIENT_ID, client_secret: CLIENT_SECRET }),
    tokens: () => tokens,
    saveTokens: (saved: unknown) => void (tokens = saved),
    saveCodeVerifier: (saved: string) => void (verifier = saved),
    codeVerifier: () => verifier,
    saveDiscoveryState: (saved: unknown) => void (discovery = saved),
    discoveryState: () => discovery,
    redirectToAuthorization: async (address: URL) => {
      requested.push(address.searchParams.get('scope') ?? '')
      callback = await followToCallback(address)
    },
    ...(dpop && { dpop: () => dpop }),
  }
  return {
    provider,
    requested,
    token: () => (tokens as { readonly access_token: string }).access_token,
    callback: () => {
      if (callback === undefined) throw new Error('The client has not logged in')
      return callback
    },
  }
}

interface Connected {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

interface FinishesAuth {
  finishAuth(code: never): Promise<void>
}

const textOf = (result: unknown): string =>
  (result as { readonly content: readonly { readonly text: string }[] }).content.map(({ text }) => text).join('')

async function connected(
  session: Session,
  {
    create,
    code,
  }: { create(): { client: Connected; transport: FinishesAuth; connect(): Promise<void> }; code(at: URL): unknown },
): Promise<McpClient> {
  let made = create()
  // A transport cannot be used again after it has asked for a log-in while connecting.
  const retry = async <T>(work: () => Promise<T>, again: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if ((error as Error).name !== 'UnauthorizedError' && !String(error).includes('Unauthorized')) throw error
      await made.transport.finishAuth(code(session.callback()) as never)
      return again()
    }
  }
  await retry(
    () => made.connect(),
    async () => {
      made = create()
      return made.connect()
    },
  )
  return {
    requested: session.requested,
    token: session.token,
    call: (name, args = {}) => {
      const call = async (): Promise<string> => textOf(await made.client.callTool({ name, arguments: args }))
      return retry(call, call)
    },
    close: () => made.client.close(),
  }
}

/** How client 2 connects. */
interface Client2Options {
  readonly dpop?: DpopSession
  /** Whether it uses revision 2026-07-28, with a header for the name of the tool. @defaultValue false */
  readonly isModern?: boolean
}

/** Connects `@modelcontextprotocol/client` 2. */
export function connectClient2(url: URL, { dpop, isModern = false }: Client2Options = {}): Promise<McpClient> {
  const session = createSession(dpop)
  return connected(session, {
    code: (at) => at.searchParams,
    create: () => {
      const mode = isModern ? 'auto' : 'legacy'
      const client = new Client2({ name: 'client-2', version: '1.0.0' }, { versionNegotiation: { mode } })
      const transport = new Transport2(url, { authProvider: session.provider as never })
      return { client, transport, connect: () => client.connect(transport) }
    },
  })
}

/** Connects the client of `@modelcontextprotocol/sdk` 1. */
export function connectSdk1(url: URL): Promise<McpClient> {
  const session = createSession()
  return connected(session, {
    code: (at) => at.searchParams.get('code') ?? '',
    create: () => {
      const client = new Client1({ name: 'sdk-1', version: '1.0.0' })
      const transport = new Transport1(url, { authProvider: session.provider as never })
      return { client, transport, connect: () => client.connect(transport) }
    },
  })
}
