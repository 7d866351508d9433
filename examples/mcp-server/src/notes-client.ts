import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { CLIENT_ID, REDIRECT_URI } from './authorization-server.ts'

/** What happens between the client and the servers, in order. */
export type Tell = (line: string) => void

/** An MCP client of a user who consents whenever a server asks for more. */
export interface NotesClient {
  /** The text of a tool's answer. */
  call(name: string, args?: Record<string, unknown>): Promise<string>
  /** The current access token. */
  token(): string
  close(): Promise<void>
}

/** Connects the official client to a server: it finds the authorization server, logs in, and steps up as the server demands. */
export async function connectNotesClient(url: string, tell: Tell): Promise<NotesClient> {
  const user = createUser(tell)
  const connect = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> => {
    const client = new Client({ name: 'notes-client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      authProvider: user.provider,
      fetch: told(tell),
    })
    try {
      await client.connect(transport)
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await transport.finishAuth(user.callback())
      return connect()
    }
    return { client, transport }
  }
  const { client, transport } = await connect()
  const call = async (name: string, args: Record<string, unknown>): Promise<string> => {
    try {
      const { content } = await client.callTool({ name, arguments: args })
      return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await transport.finishAuth(user.callback())
      return call(name, args)
    }
  }
  return { call: (name, args = {}) => call(name, args), token: user.token, close: () => client.close() }
}

/** Tells which requests the server refuses. */
function told(tell: Tell): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const challenge = response.headers.get('www-authenticate')
    if (challenge !== null) tell(`the server answers ${response.status}: ${challenge}`)
    return response
  }
}

interface User {
  readonly provider: OAuthClientProvider
  /** The answer of the authorization server, with a code. */
  callback(): URLSearchParams
  token(): string
}

function createUser(tell: Tell): User {
  const known: Partial<Record<'verifier', string>> & { tokens?: { access_token: string; token_type: string } } = {}
  let callback = new URLSearchParams()
  let discovery: ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>
  return {
    callback: () => callback,
    token: () => known.tokens?.access_token ?? '',
    provider: {
      redirectUrl: REDIRECT_URI,
      clientMetadata: { redirect_uris: [REDIRECT_URI] },
      clientInformation: () => ({ client_id: CLIENT_ID }),
      tokens: () => known.tokens,
      saveTokens: (tokens) => {
        known.tokens = tokens
        tell(`the client has a token for: ${tokens.scope ?? ''}`)
      },
      saveCodeVerifier: (verifier) => void (known.verifier = verifier),
      codeVerifier: () => known.verifier ?? '',
      saveDiscoveryState: (state) => void (discovery = state),
      discoveryState: () => discovery,
      redirectToAuthorization: async (address) => {
        tell(`Ada logs in and consents to: ${address.searchParams.get('scope') ?? ''}`)
        callback = await visit(address)
      },
    },
  }
}

/** Follows the redirects of a log-in like a browser, up to the address of the client. */
async function visit(start: URL): Promise<URLSearchParams> {
  const cookies = new Map<string, string>()
  let next = start
  while (!next.href.startsWith(REDIRECT_URI)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } })
    for (const field of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(field) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`Cannot log in: the authorization server answered ${response.status}`)
    next = new URL(location, next)
  }
  return next.searchParams
}
