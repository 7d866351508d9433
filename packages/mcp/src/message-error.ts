import { bare } from '@claimgate/core/adapter'
import type { RefusalResponse } from '@claimgate/core'

/** Why a message is refused, although its token is valid. */
export type MessageFlaw = keyof typeof FLAWS

// The text is fixed, because the client receives it. Codes of JSON-RPC 2.0 section 5.1, and -32020 of MCP for headers.
const FLAWS = {
  content_type: { status: 415, code: -32600, message: 'Unsupported Media Type: send application/json in UTF-8' },
  content_coding: {
    status: 415,
    code: -32600,
    message: 'Unsupported Media Type: send the message without compression',
  },
  too_large: { status: 413, code: -32600, message: 'Content Too Large: the message has too many bytes' },
  too_slow: { status: 408, code: -32600, message: 'Request Timeout: the message did not arrive in time' },
  unreadable: { status: 400, code: -32700, message: 'Parse error: the message did not arrive completely' },
  not_json: { status: 400, code: -32700, message: 'Parse error: the message is not JSON in UTF-8' },
  not_strict: {
    status: 400,
    code: -32600,
    message: 'Invalid Request: the message has a member twice, a member named __proto__, or too many values',
  },
  batch: { status: 400, code: -32600, message: 'Invalid Request: send one message in a request, not a batch' },
  not_message: { status: 400, code: -32600, message: 'Invalid Request: the message is not one of JSON-RPC 2.0' },
  no_name: { status: 400, code: -32602, message: 'Invalid params: the name must be a string' },
  header_mismatch: {
    status: 400,
    code: -32020,
    message: 'Header mismatch: Mcp-Method and Mcp-Name must be those of the message',
  },
  header_missing: {
    status: 400,
    code: -32020,
    message: 'Header mismatch: this protocol version needs the headers Mcp-Method and Mcp-Name',
  },
  body_of_method: { status: 400, code: -32600, message: 'Invalid Request: only POST carries a message' },
  method: { status: 405, code: -32000, message: 'Method Not Allowed: send POST' },
  origin: { status: 403, code: -32000, message: 'Forbidden: this origin may not call the server' },
} as const

// The rest of the body is not read.
const CLOSING: ReadonlySet<MessageFlaw> = new Set(['too_large', 'too_slow', 'unreadable'])

/** A refusal of a message. It becomes a JSON-RPC error, because clients of MCP understand that. */
export class MessageError extends Error {
  override readonly name: string = 'MessageError'
  readonly flaw: MessageFlaw
  /** The `id` of the message, if it is known. */
  readonly id: string | number | null

  constructor(flaw: MessageFlaw, id?: unknown) {
    super(FLAWS[flaw].message)
    this.flaw = flaw
    this.id = typeof id === 'string' || typeof id === 'number' ? id : null
  }

  /** The response, which contains nothing of the request but its `id`. `connection` is only for HTTP/1. */
  get response(): RefusalResponse {
    const { status, code, message } = FLAWS[this.flaw]
    const error = { jsonrpc: '2.0', id: this.id, error: { code, message } }
    const headers: Record<string, string> = { 'cache-control': 'no-store', 'content-type': 'application/json' }
    if (status === 405) headers['allow'] = 'POST, GET, DELETE'
    if (CLOSING.has(this.flaw)) headers['connection'] = 'close'
    if (this.flaw === 'content_coding') headers['accept-encoding'] = 'identity'
    return { status, headers: bare(headers), body: JSON.stringify(error) }
  }
}
