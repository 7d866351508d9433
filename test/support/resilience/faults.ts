import type { Fault } from '@claimgate/testing'

import { a, b } from './world.ts'

const publicA = a ?? {}
const publicB = b ?? {}
const statuses = [201, 204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504]

/**
 * Every fault of a server that yields no usable JWK Set, except for `refuse`, which closes the port. Not included are
 * answers that are usable sets, however unwise: `duplicate-kids` and `alternate`.
 */
export const garbage: readonly (readonly [name: string, fault: Fault])[] = [
  ['refuses the connection', { kind: 'refuse' }],
  ['cuts the connection at the start', { kind: 'reset', at: 'start' }],
  ['cuts the connection in the headers', { kind: 'reset', at: 'headers' }],
  ['cuts the connection in the body', { kind: 'reset', at: 'body' }],
  ['hangs at the start', { kind: 'hang', at: 'start' }],
  ['hangs after the headers', { kind: 'hang', at: 'headers' }],
  ['hangs in the body', { kind: 'hang', at: 'body' }],
  ['drips its headers', { kind: 'drip', part: 'headers', every: 20 }],
  ['drips its body', { kind: 'drip', part: 'body', every: 20 }],
  ['is slow beyond the deadline', { kind: 'ok', delay: 5000 }],
  ['redirects', { kind: 'redirect', location: '/elsewhere' }],
  ['redirects to itself', { kind: 'redirect', location: '/jwks.json', status: 307 }],
  ...statuses.map((status) => [`answers ${status}`, { kind: 'status', status }] as const),
  ['answers 503 with a good set', { kind: 'status', status: 503, body: JSON.stringify({ keys: [publicA, publicB] }) }],
  ['answers 429 with Retry-After', { kind: 'status', status: 429, retryAfter: 1 }],
  ['shows a page', { kind: 'html' }],
  ['cuts the JSON', { kind: 'truncated' }],
  ['puts a byte order mark first', { kind: 'bom' }],
  ['sends nothing', { kind: 'empty-body' }],
  ['publishes no key', { kind: 'empty-set' }],
  ['publishes no keys member', { kind: 'no-keys' }],
  ['sends a gzip bomb', { kind: 'gzip-bomb', size: 5 * 1024 * 1024 }],
  ['never stops', { kind: 'endless' }],
  ['sends less than Content-Length', { kind: 'content-length', difference: 10 }],
  ['sends more than Content-Length', { kind: 'content-length', difference: -10 }],
  ['publishes 10,000 keys', { kind: 'many-keys' }],
  ['publishes one key more than allowed', { kind: 'many-keys', count: 65 }],
  ['changes sets in the middle', { kind: 'torn', before: { keys: [publicA, publicB] }, after: { keys: [publicB] } }],
  ['publishes null', { kind: 'status', status: 200, body: 'null' }],
  ['publishes a list', { kind: 'ok', body: [publicB] }],
  ['publishes text', { kind: 'ok', body: JSON.stringify({ keys: [publicB] }) }],
  ['publishes a number', { kind: 'ok', body: 1 }],
  ['publishes one key as an object', { kind: 'ok', body: { keys: publicB } }],
  ['publishes a key without a set', { kind: 'ok', body: publicB }],
  ['publishes secrets', { kind: 'ok', body: { keys: [{ kty: 'oct', kid: 'a', k: 'AAAA' }] } }],
  ['publishes private keys', { kind: 'ok', body: { keys: [{ ...publicB, d: publicB.x }] } }],
  ['publishes keys for encryption', { kind: 'ok', body: { keys: [{ ...publicB, use: 'enc' }] } }],
  ['publishes points off the curve', { kind: 'ok', body: { keys: [{ ...publicB, x: publicB.y }] } }],
  ['publishes members that are not keys', { kind: 'ok', body: { keys: [null, 1, 'a', [], {}] } }],
  ['declares an unknown content coding', { kind: 'ok', headers: { 'content-encoding': 'zstd-2' } }],
  ['declares gzip without compressing', { kind: 'ok', headers: { 'content-encoding': 'gzip' } }],
]
