import type { FormFields, RequestView, ResourceResponse } from '@claimgate/core'
import { addFields, formFieldOf, has, own } from '@claimgate/core/adapter'

/** The response of a function to API Gateway, a function URL or a load balancer. */
export interface LambdaResponse {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of `headers`, if the event has `multiValueHeaders`. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly body: string
  readonly isBase64Encoded: false
}

/**
 * The core's view of an event: of a REST API, an HTTP API (versions 1.0 and 2.0), a WebSocket API, a function URL, a load balancer, or an
 * authorizer.
 *
 * @throws TypeError for anything but an object
 */
export function eventView(event: unknown): RequestView {
  if (!isObject(event))
    throw new TypeError('Cannot read event: it is not an object. Invoke the function with an HTTP event')
  const context = objectAt(event, 'requestContext')
  const http = objectAt(context, 'http')
  return {
    // A WebSocket begins with a GET request.
    method: textAt(http, 'method') ?? textAt(event, 'httpMethod') ?? 'GET',
    target: targetOf(event, context),
    header: (name) => fieldValues(event, name),
    form: async (name) => formFields(event, name),
    clientCertificate: () => {
      const identity = [objectAt(context, 'identity'), objectAt(context, 'authentication')]
      const pem = identity.map((one) => textAt(objectAt(one, 'clientCert'), 'clientCertPem')).find(Boolean)
      return pem === undefined ? undefined : Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64')
    },
  }
}

// A field that is there twice is in `multiValueHeaders`; `headers` has its last value. Both may have been changed.
function fieldValues(event: object, name: string): readonly string[] {
  if (own(event, 'type') === 'TOKEN') return name === 'authorization' ? valuesOf(own(event, 'authorizationToken')) : []
  const cookies = own(event, 'cookies')
  if (name === 'cookie' && Array.isArray(cookies) && cookies.length > 0) return [cookies.join('; ')]
  const [all, last] = ['multiValueHeaders', 'headers'].map((member) => valuesAt(objectAt(event, member), name))
  return [...(all ?? []), ...(last ?? []).filter((value) => !all?.includes(value))]
}

function valuesAt(fields: object, name: string): readonly string[] {
  return Object.entries(fields).flatMap(([field, value]) => (field.toLowerCase() === name ? valuesOf(value) : []))
}

// Values that are not text are passed on, and core refuses them.
function valuesOf(value: unknown): readonly string[] {
  return (value === undefined || value === null ? [] : [value].flat()) as unknown as readonly string[]
}

function targetOf(event: object, context: object): string {
  const raw = textAt(event, 'rawPath')
  if (raw !== undefined) return withQuery(raw, textAt(event, 'rawQueryString') ?? '')
  // As the client has sent it: with the stage, or the base path of a domain name.
  const path = textAt(context, 'path') ?? textAt(event, 'path') ?? '/'
  const all = { ...objectAt(event, 'queryStringParameters'), ...objectAt(event, 'multiValueQueryStringParameters') }
  const pairs = Object.entries(all).flatMap(([name, value]) =>
    valuesOf(value).map((one) => [name, one] as [string, string]),
  )
  // A load balancer does not decode them.
  const isEncoded = has(context, 'elb')
  const query = isEncoded ? pairs.map((pair) => pair.join('=')).join('&') : new URLSearchParams(pairs).toString()
  return withQuery(path, query)
}

function withQuery(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`
}

function formFields(event: object, name: string): FormFields | undefined {
  const body = textAt(event, 'body')
  if (body === undefined) return undefined
  return formFieldOf(own(event, 'isBase64Encoded') === true ? Buffer.from(body, 'base64').toString() : body, name)
}

/** An answer of core as the response to an event. */
export function eventResponse(event: unknown, { status, headers, body }: ResourceResponse): LambdaResponse {
  const isHead = eventView(event).method === 'HEAD'
  return { statusCode: status, ...fieldsFor(event, headers), body: isHead ? '' : body, isBase64Encoded: false }
}

/** The result of a handler, with more headers. Of HTTP APIs and function URLs it may be anything, which becomes JSON. */
export function withHeaders(event: unknown, result: unknown, headers: Readonly<Record<string, string>>): unknown {
  if (Object.keys(headers).length === 0) return result
  const isComplete = isObject(result) && has(result, 'statusCode')
  if (!isComplete && (!isObject(event) || own(event, 'version') !== '2.0')) return result
  const json = { 'content-type': 'application/json' }
  const response = isComplete
    ? { ...result }
    : { statusCode: 200, headers: json, body: typeof result === 'string' ? result : JSON.stringify(result) }
  const before = { ...objectAt(response, 'multiValueHeaders'), ...objectAt(response, 'headers') }
  const added: Record<string, string> = {}
  addFields(headers, {
    getHeader: (name) => valuesAt(before, name),
    setHeader: (name, value) => (added[name] = value),
  })
  const kept = (member: string): object =>
    Object.fromEntries(
      Object.entries(objectAt(response, member)).filter(([name]) => !Object.hasOwn(added, name.toLowerCase())),
    )
  const fields = fieldsFor(event, added)
  return {
    ...response,
    headers: { ...kept('headers'), ...fields.headers },
    ...(fields.multiValueHeaders && {
      multiValueHeaders: { ...kept('multiValueHeaders'), ...fields.multiValueHeaders },
    }),
  }
}

// A load balancer that sends `multiValueHeaders` ignores `headers` in responses.
function fieldsFor(
  event: unknown,
  headers: Readonly<Record<string, string>>,
): Pick<LambdaResponse, 'headers' | 'multiValueHeaders'> {
  const isMulti = isObject(event) && isObject(own(event, 'multiValueHeaders'))
  if (!isMulti) return { headers: { ...headers } }
  return { multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])) }
}

const NOTHING: object = Object.freeze({})

function objectAt(object: object, name: string): object {
  const value = own(object, name)
  return isObject(value) ? value : NOTHING
}

function textAt(object: object, name: string): string | undefined {
  const value = own(object, name)
  return typeof value === 'string' ? value : undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
