import type { Authenticator, RefusalResponse, RequestView, Requirement, VerifiedToken } from '@claimgate/core'
import { allOf, AuthError, scope } from '@claimgate/core'
import {
  admitted,
  bare,
  type BodyLimits,
  has,
  own,
  requirementFor,
  type RequirementRule,
  signedClaims,
} from '@claimgate/core/adapter'
import { type AuthInfo, authInfo } from './auth-info.ts'
import { checkBodyFields, type Chunks, readMessage } from './body.ts'
import { MessageError } from './message-error.ts'
import { checkMessage, type Message, parseMessage, type ToolCall } from './message.ts'

/** A request as a framework has received it. */
export interface McpRequest {
  readonly view: RequestView
  /** Whether it carries a body. A runtime may give every request a stream for one, which tells nothing: `maybe`. */
  readonly hasBody: boolean | 'maybe'
  /** Its body: still to be read, or as an earlier body parser has left it. Called only with a valid token, and once. */
  body(): Chunks | Parsed
}

/** A body that a body parser of the application has read. */
export interface Parsed {
  readonly parsed: unknown
}

/** What a gate decides about a request. */
export type Decision = Passed | Stopped

/** The transport may have the request. */
export interface Passed {
  readonly kind: 'passed'
  readonly authInfo: AuthInfo
  /** The message. `undefined` if the method has none. */
  readonly message: unknown
  /** The bytes of the message. `undefined` if a body parser has read them. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined
  /** Fields for the response, such as a `DPoP-Nonce`. */
  readonly headers: Readonly<Record<string, string>>
}

/** The transport never sees the request. */
export interface Stopped {
  readonly kind: 'stopped'
  readonly response: RefusalResponse
}

/** What a gate needs. */
export interface GateParts {
  readonly authenticator: Authenticator
  readonly resource: { readonly resource: string; readonly metadataUri: string }
  /** The audiences of which a token must name one. `undefined` if the verifier checks that. */
  readonly audiences: readonly string[] | undefined
  /** The scopes of every request. */
  readonly scopes: readonly string[]
  readonly tools: Readonly<Record<string, RequirementRule<ToolCall>>>
  readonly origins?: readonly string[]
  readonly limits: BodyLimits
}

/** Decides about requests to an MCP endpoint, before the transport sees them. */
export interface Gate {
  /** What every request needs. */
  readonly base: Requirement
  /** Rejects only for bugs. */
  decide(request: McpRequest): Promise<Decision>
}

/** Creates a gate: the token first, then the message, then what the message needs. */
export function createGate(parts: GateParts): Gate {
  const { authenticator, resource, origins, limits } = parts
  const isForResource = audienceCheck(parts)
  const base = baseRequirement(parts.scopes, isForResource)
  // Names the scopes in challenges. They are checked later, because a challenge must name all scopes of an operation together.
  const named: Requirement = bare({ ...base, isMet: isForResource })

  const decide = async ({ view, hasBody, body }: McpRequest): Promise<Decision> => {
    let added: Readonly<Record<string, string>> = {}
    try {
      if (isForeign(view, origins)) throw new MessageError('origin')
      const outcome = await authenticator.authenticate(view, named)
      if (outcome.kind === 'refused') return stopped(outcome.response)
      const accepted = authenticated(admitted(outcome))
      const { token, scheme, headers } = accepted
      added = headers
      const read = await readOf(view, hasBody, body)
      const authorized = await authenticator.authorize(token, requirementOf(read?.message, base, parts.tools), scheme)
      if (authorized.kind === 'refused') return stopped(withHeaders(authorized.response, headers))
      const granted = authenticated(admitted(authorized))
      const info = authInfo(granted.token, resource, own(accepted, 'user'))
      return { kind: 'passed', authInfo: info, message: read?.message?.value, bytes: read?.bytes, headers }
    } catch (error) {
      if (error instanceof MessageError) return stopped(withHeaders(error.response, added))
      throw error
    }
  }

  const readOf = async (
    view: RequestView,
    hasBody: McpRequest['hasBody'],
    body: McpRequest['body'],
  ): Promise<Read | undefined> => {
    if (BODILESS.has(view.method)) {
      if (hasBody === false) return undefined
      const given = hasBody === 'maybe' ? body() : undefined
      const bytes = given !== undefined && !isParsed(given) ? await readMessage(given, limits) : undefined
      if (bytes?.length !== 0) throw new MessageError('body_of_method')
      return { message: undefined, bytes }
    }
    if (view.method !== 'POST') throw new MessageError('method')
    const given = body()
    if (isParsed(given)) return parsedMessage(given.parsed, view)
    checkBodyFields(view, limits)
    const bytes = await readMessage(given, limits)
    return { message: parseMessage(bytes, view), bytes }
  }

  return { base, decide }
}

function stopped(response: RefusalResponse): Stopped {
  return { kind: 'stopped', response }
}

// GET and DELETE are requests of earlier revisions. A transport answers the others.
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

interface Read {
  /** `undefined` if the method has none. */
  readonly message: Message | undefined
  readonly bytes: Uint8Array<ArrayBuffer> | undefined
}

function isParsed(body: Chunks | Parsed): body is Parsed {
  return has(body, 'parsed')
}

/** The transport receives the same object, so both see the same message even if the text had a member twice. */
function parsedMessage(parsed: unknown, view: RequestView): Read {
  const isText = typeof parsed === 'string'
  if (isText || parsed instanceof Uint8Array) {
    const bytes = isText ? new TextEncoder().encode(parsed) : Uint8Array.from(parsed)
    return { message: parseMessage(bytes, view), bytes }
  }
  return { message: checkMessage(parsed, view), bytes: undefined }
}

function baseRequirement(scopes: readonly string[], isForResource: AudienceCheck): Requirement {
  if (scopes.length === 0) return bare({ description: 'a token', scopes, isMet: isForResource })
  const all = scope(...scopes)
  return bare({ ...all, isMet: (token, context) => isForResource(token) && all.isMet(token, context) })
}

function requirementOf(message: Message | undefined, base: Requirement, tools: GateParts['tools']): Requirement {
  const call = message?.call
  const rule = call !== undefined && Object.hasOwn(tools, call.name) ? tools[call.name] : undefined
  return call === undefined || rule === undefined ? base : allOf(base, requirementFor(rule, call))
}

type AudienceCheck = (token: VerifiedToken) => boolean

function audienceCheck({ audiences, resource }: GateParts): AudienceCheck {
  if (audiences === undefined) return () => true
  return (token) => {
    const aud: unknown = signedClaims(token).aud
    if ([aud].flat().some((one) => audiences.includes(one as string))) return true
    throw new AuthError('audience_mismatch', { expected: resource.resource, actual: aud })
  }
}

/** Browsers send `Origin`; a page that has rebound a host name to this server cannot change it. */
function isForeign(view: RequestView, origins: readonly string[] | undefined): boolean {
  return origins !== undefined && view.header('origin').some((origin) => !origins.includes(origin))
}

function authenticated(outcome: ReturnType<typeof admitted>): NonNullable<ReturnType<typeof admitted>> {
  if (outcome === undefined) throw new TypeError('Cannot let the request through: it is anonymous')
  return outcome
}

function withHeaders(response: RefusalResponse, added: Readonly<Record<string, string>>): RefusalResponse {
  const exposed = [response.headers, added].flatMap((headers) => own(headers, EXPOSED) ?? [])
  return {
    ...response,
    headers: {
      ...added,
      ...response.headers,
      ...(exposed.length > 0 && { [EXPOSED]: exposed.join(', ') }),
    },
  }
}

const EXPOSED = 'access-control-expose-headers'
