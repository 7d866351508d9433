import type { LambdaResponse } from '@claimgate/lambda'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A request, for the events of each service. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly query: string
  /** As received, with repetitions. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export type MakeEvent = (sent: Sent) => object

const several = (pairs: readonly (readonly [string, string])[]): Record<string, string[]> => {
  const all: Record<string, string[]> = {}
  for (const [name, value] of pairs) (all[name] ??= []).push(value)
  return all
}
const last = (all: Record<string, string[]>): object =>
  Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.at(-1)]))
const bodyOf = (body: Buffer): object =>
  body.length === 0 ? { body: null, isBase64Encoded: false } : { body: body.toString('base64'), isBase64Encoded: true }

/** A REST API with Lambda proxy integration. */
export const restApi: MakeEvent = ({ method, path, query, fields, body }) => {
  const [headers, parameters] = [several(fields), several([...new URLSearchParams(query)])]
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers: last(headers),
    multiValueHeaders: headers,
    queryStringParameters: query === '' ? null : last(parameters),
    multiValueQueryStringParameters: query === '' ? null : parameters,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: { path, httpMethod: method, stage: 'prod', apiId: 'a1b2c3', identity: { sourceIp: '192.0.2.1' } },
    ...bodyOf(body),
  }
}

/** An HTTP API with payload 2.0, or a function URL: fields are joined, and cookies are separate. */
export const httpApi: MakeEvent = ({ method, path, query, fields, body }) => {
  const headers = several(fields.map(([name, value]) => [name.toLowerCase(), value]))
  const { cookie, ...others } = headers
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookie && { cookies: cookie.flatMap((one) => one.split('; ')) }),
    headers: Object.fromEntries(Object.entries(others).map(([name, values]) => [name, values.join(',')])),
    requestContext: { apiId: 'a1b2c3', stage: '$default', http: { method, path, sourceIp: '192.0.2.1' } },
    ...bodyOf(body),
  }
}

/** A load balancer whose target group has multi-value headers: names are in lower case, the query is as received. */
export const loadBalancer: MakeEvent = ({ method, path, query, fields, body }) => ({
  requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/1' } },
  httpMethod: method,
  path,
  multiValueQueryStringParameters: several(
    query === '' ? [] : query.split('&').map((pair) => pair.split('=', 2) as [string, string]),
  ),
  multiValueHeaders: several(fields.map(([name, value]) => [name.toLowerCase(), value])),
  ...bodyOf(body),
})

export async function sentOf(req: IncomingMessage): Promise<Sent> {
  const [path = '', query = ''] = (req.url ?? '').split('?')
  const fields = req.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [[name, all[at + 1] ?? ''] as const] : []))
  return { method: req.method ?? 'GET', path, query, fields, body: await buffer(req) }
}

/** Sends the response of a function as the service does. */
export function sendResponse(
  res: ServerResponse,
  { statusCode, headers, multiValueHeaders, body }: LambdaResponse,
): void {
  res.statusCode = statusCode
  for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, value)
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) res.setHeader(name, values)
  res.end(body)
}
