import { authorizationDetails } from '../authorization/authorization-details.ts'
import {
  allOf,
  anyOf,
  anyRole,
  anyScope,
  claim,
  isRequirement,
  not,
  type Requirement,
  role,
  scope,
} from '../authorization/requirements.ts'
import { stepUp } from '../authorization/step-up.ts'
import { asRefusal } from '../errors/auth-error.ts'
import type { Authenticated, Outcome } from '../http/outcome.ts'
import type { ResourceResponse } from '../http/protected-resource.ts'
import { requestView } from '../http/web-request.ts'
import { type Fields, NO_FIELDS } from '../model/http-text.ts'
import type { FormFields, Peer, RequestView, VerifiedToken } from '../model/token.ts'
import { bare, has, ignoreRejection, isObject, own, ownOptions } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'

/**
 * Reports a factory that was passed uncalled. The framework would call it with a request as its first argument.
 *
 * @param name - the function
 * @param call - the correct call
 * @throws TypeError
 */
export function assertCalled(name: string, call: string, firstArgument: unknown): void {
  if (!isObject(firstArgument)) return
  const isRequest = has(firstArgument, 'headers') && has(firstArgument, 'method')
  // The context of Hono has both.
  if (isRequest || (has(firstArgument, 'req') && has(firstArgument, 'res')))
    throw new TypeError(`${name} was passed uncalled: write ${call}`)
}

/** What a token must grant: a requirement, or a function that returns the requirement of a request. */
export type RequirementRule<R> = Requirement | ((request: R) => Requirement)

// Each of these returns a requirement, but not for a request: it was passed uncalled.
const FACTORIES: ReadonlySet<unknown> = new Set([
  allOf,
  anyOf,
  anyRole,
  anyScope,
  authorizationDetails,
  claim,
  not,
  role,
  scope,
  stepUp,
])

/** Whether a value is a requirement or a function, and not, for example, the name of a scope. */
export function isRequirementRule<R>(rule: unknown): rule is RequirementRule<R> {
  return isRequirement(rule) || (typeof rule === 'function' && !FACTORIES.has(rule))
}

/** The error for anything but a requirement. An `undefined` may be a misspelled variable, which must not remove a restriction. */
export function noRequirement(action: string, given: unknown, what = 'the requirement'): TypeError {
  return given === undefined
    ? misconfigured(action, `${what} must not be undefined: leave it out, or check the name of what was passed`)
    : misconfigured(action, 'give a requirement such as scope("orders:read")', given)
}

/**
 * The requirement in the rest arguments of a function.
 *
 * @throws TypeError for anything else, including an explicit `undefined`
 */
export function givenRequirement(action: string, given: readonly unknown[]): Requirement | undefined {
  const [requirement] = given
  if (given.length === 0 || isRequirement(requirement)) return requirement as Requirement | undefined
  throw noRequirement(action, requirement)
}

/**
 * The requirement of a request.
 *
 * @throws TypeError for a function that does not return a requirement, but for example a promise
 */
export function requirementFor<R>(rule: RequirementRule<R>, request: R): Requirement {
  const requirement: unknown = typeof rule === 'function' ? requirementOf(rule, request) : rule
  if (isRequirement(requirement)) return requirement
  ignoreRejection(requirement)
  throw new TypeError('Cannot authorize request: the function must return a requirement such as scope("orders:read")')
}

// A refusal that the function throws becomes one by its requirement: frameworks would send the message of the error to the client.
function requirementOf<R>(rule: (request: R) => Requirement, request: R): Requirement {
  try {
    return rule(request)
  } catch (thrown) {
    const refusal = asRefusal(thrown)
    if (refusal === undefined) throw thrown
    const isMet = (): never => {
      throw refusal
    }
    return bare<Requirement>({ description: 'what the function requires', scopes: [], isMet })
  }
}

/**
 * Every value of a field of a Node request, for the `header` of a `RequestView`. The parsed headers decide, because earlier middleware may
 * have rewritten or deleted a field. They drop or join repeated fields, but a repeated credential must be refused, so repeats are
 * counted in the raw headers. Mock requests may have no raw headers. Values that are not text are passed on, and the caller refuses them.
 *
 * @param headers - by name in lower case
 * @param rawHeaders - alternating names and values
 * @param name - in lower case
 */
export function nodeFieldValues(headers: unknown, rawHeaders: unknown, name: string): readonly string[] {
  if (!isObject(headers) || !Object.hasOwn(headers, name)) return []
  const value = (headers as Readonly<Record<string, unknown>>)[name]
  // Some middleware assigns undefined instead of using `delete`.
  if (value === undefined) return []
  // HTTP/2 allows several cookie fields, and joining them loses nothing.
  if (name !== 'cookie' && Array.isArray(rawHeaders)) {
    let fields = 0
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const field: unknown = rawHeaders[at]
      if (typeof field === 'string' && field.length === name.length && field.toLowerCase() === name) fields += 1
    }
    if (fields > 1) return valuesOf(rawHeaders, name)
  }
  return (Array.isArray(value) ? value : [value]) as readonly string[]
}

function valuesOf(rawHeaders: readonly unknown[], name: string): readonly string[] {
  const isNamed = (field: unknown): boolean => typeof field === 'string' && field.toLowerCase() === name
  return rawHeaders.filter((_, index) => index % 2 === 1 && isNamed(rawHeaders[index - 1])) as readonly string[]
}

/** The other end of the connection of a Node request. `undefined` without a socket, as in a serverless function. */
export function nodePeer(socket: unknown): Peer | undefined {
  const address = isObject(socket) ? own(socket, 'remoteAddress') : undefined
  // On HTTP/2, the socket is a proxy that hides `encrypted`.
  return typeof address === 'string' ? bare({ address, encrypted: isTlsSocket(socket) }) : undefined
}

/** The DER bytes of the client certificate of a Node request. `undefined` without TLS, or if the client sent none. */
export function nodeClientCertificate(socket: unknown): Uint8Array | undefined {
  const certificate = isTlsSocket(socket) ? socket.getPeerCertificate() : undefined
  const raw = isObject(certificate) ? own(certificate, 'raw') : undefined
  return raw instanceof Uint8Array ? raw : undefined
}

/** What a framework on Node parsed of a request, as Express and Fastify do. */
export interface ParsedRequest {
  readonly method: string
  /** Path and query as received, also inside mounted routers. */
  readonly originalUrl: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

/** The core's view of a request of a framework on Node. `raw` is the request of Node itself. Reads nothing before it is asked for. */
export class NodeRequestView implements RequestView {
  declare readonly request: ParsedRequest
  declare readonly raw: RawRequest

  constructor(request: ParsedRequest, raw: RawRequest) {
    this.request = request
    this.raw = raw
  }

  get method(): string {
    return this.request.method
  }

  get target(): string {
    return this.request.originalUrl
  }

  header(name: string): readonly string[] {
    return nodeFieldValues(this.request.headers, this.raw.rawHeaders, name)
  }

  form(): Promise<FormFields | undefined> {
    return Promise.resolve(this.request.body as FormFields | undefined)
  }

  clientCertificate(): Uint8Array | undefined {
    return nodeClientCertificate(this.raw.socket)
  }

  get peer(): Peer | undefined {
    return nodePeer(this.raw.socket)
  }
}

/** A request of `node:http` or `node:http2`, or of a framework that adds to it, as Express does. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly rawHeaders: readonly string[]
  readonly socket: unknown
}

/** The core's view of a request of Node. */
export function nodeRequestView(request: NodeRequest): RequestView {
  const given: object = request
  const url = own(given, 'originalUrl') ?? own(request, 'url')
  const parsed = {
    method: own(request, 'method') ?? 'GET',
    originalUrl: typeof url === 'string' ? url : '/',
    headers: request.headers,
    body: own(given, 'body'),
  }
  return new NodeRequestView(bare(parsed), request)
}

/**
 * What a call or a connection arrives in: a request of Node, of the Fetch API, of Express, of Fastify or of Hono, or a view. Prefer the request of Node
 * if there is one: it alone shows a repeated field.
 */
export type RequestSource = OriginalRequest | { readonly raw: OriginalRequest } | RequestView

type OriginalRequest = NodeRequest | Pick<Request, 'method' | 'url' | 'headers'>

/**
 * The core's view of a request of any kind.
 *
 * @throws TypeError for anything else
 */
export function viewOf(action: string, source: RequestSource): RequestView {
  const given: object = isObject(source) ? source : {}
  // Before `header`, which is also a method of the requests of Express.
  if (has(given, 'rawHeaders')) return nodeRequestView(source as NodeRequest)
  // The requests of Fastify and Hono keep the original one. Those of others, such as hapi, have something else there.
  const raw = own(given, 'raw')
  if (isObject(raw) && has(raw, 'headers')) return viewOf(action, raw as OriginalRequest)
  if (typeof own(given, 'header') === 'function') return source as RequestView
  const headers = own(given, 'headers')
  if (!isObject(headers)) throw misconfigured(action, 'give the request, or { method, target, header }', source)
  if (typeof own(headers as Partial<Headers>, 'get') === 'function') return requestView(source as Request)
  return nodeRequestView(source as NodeRequest)
}

interface RawRequest {
  readonly rawHeaders: readonly string[]
  readonly socket: unknown
}

function isTlsSocket(socket: unknown): socket is { getPeerCertificate(): unknown } {
  return isObject(socket) && typeof own(socket, 'getPeerCertificate') === 'function'
}

const NO_OUTCOME: object = Object.freeze({})

/**
 * The outcome of an accepted request; `undefined` for an anonymous one. Adapters call this instead of testing for `refused`: an
 * application's own authenticator that returns nothing, or a promise, must not open a route.
 *
 * @throws TypeError for anything but an outcome of kind `authenticated`, with a token, or `anonymous`
 */
export function admitted<C extends object>(outcome: Outcome<C>): Authenticated<C> | undefined {
  // The usual case: an outcome of core has every member as its own.
  if (!isObject(outcome) || !Object.hasOwn(outcome, 'kind')) return admittedCustom(outcome)
  if (outcome.kind === 'authenticated' && Object.hasOwn(outcome, 'token') && Object.hasOwn(outcome, 'scheme'))
    if (Object.hasOwn(outcome, 'headers') && isObject(outcome.token)) return outcome
  return admittedCustom(outcome)
}

// The outcome of an application's own authenticator may lack members, or have getters of its class.
function admittedCustom<C extends object>(outcome: Outcome<C>): Authenticated<C> | undefined {
  const given = isObject(outcome) ? outcome : NO_OUTCOME
  const kind = own(given, 'kind')
  const token = own(given, 'token')
  if (kind === 'authenticated' && isObject(token)) {
    const { scheme = 'Bearer', headers = NO_FIELDS }: Partial<Authenticated<C>> = ownOptions(given, [
      'scheme',
      'headers',
    ])
    const found = has(given, 'user') ? { user: own(given, 'user') } : {}
    return bare<Authenticated<C>>({ kind, token: token as VerifiedToken<C>, scheme, headers, ...found })
  }
  if (kind === 'anonymous') return undefined
  ignoreRejection(outcome)
  throw new TypeError(
    'Cannot let the request through: the authenticator gave no outcome "authenticated" or "anonymous"',
  )
}

/** The token of an accepted request; `undefined` for an anonymous one. See `admitted`. */
export function admittedToken<C extends object>(outcome: Outcome<C>): VerifiedToken<C> | undefined {
  return admitted(outcome)?.token
}

/** How to read and set the headers of a response, as in `node:http`. */
export interface ResponseFields {
  getHeader(name: string): string | number | readonly string[] | null | undefined
  setHeader(name: string, value: string): unknown
}

/** A response of `node:http`. */
export interface NodeResponse {
  readonly headersSent: boolean
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** Sends an answer, unless something else has responded, such as a timeout while keys were fetched. */
export function sendNode(response: NodeResponse, { status, headers, body }: ResourceResponse): void {
  if (response.headersSent) return
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}

/** Adds the headers of an outcome to a response. Headers that CORS has exposed already stay exposed. */
export function addFields(fields: Fields, response: ResponseFields): void {
  for (const [name, value] of Object.entries(fields)) {
    const exposed = name === 'access-control-expose-headers' ? [response.getHeader(name) ?? []].flat() : []
    const names = [...exposed, value].join(', ').split(', ')
    response.setHeader(name, exposed.length === 0 ? value : [...new Set(names)].join(', '))
  }
}
