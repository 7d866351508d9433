import { createVerifier } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { protectedResource } from '@claimgate/core/metadata'
import { createLogoutEndpoint, createSecurityEventEndpoint } from '@claimgate/core/revocation'
import { statusList } from '@claimgate/core/status-list'
import { createIssuer } from '@claimgate/issuer'
import { mcpResource } from '@claimgate/mcp'
import { describe, expect, it } from 'vitest'

import { pageAt } from '../support/docs/pages.ts'

interface Row {
  readonly name: string
  readonly least: number
  readonly most: number
}

/** Rows below a heading whose third cell is a range, such as `1 to 3,600`, or a maximum. */
function rowsBelow(path: string, heading: string): readonly Row[] {
  const section = pageAt(path)
    .split(/^#+ /m)
    .find((text) => text.startsWith(`${heading}\n`))
  return [...(section ?? '').matchAll(/^\| `(\w+)` +\|[^|]+\| (?:([\d.,]+) to )?([\d.,]+) +\|/gm)].map(
    ([, name = '', least = '1', most = '']) => ({ name, least: numberOf(least), most: numberOf(most) }),
  )
}

const numberOf = (text: string): number => Number(text.replaceAll(',', ''))

const client = clientSecretBasic('api', 'secret')
const api = { issuer: 'https://auth.example.com', audience: 'orders-api' }
const reported = { denylist: denylist({ store: createMemoryDenylist() }), issuer: api.issuer }
const receiver = { audience: 'orders-api', authenticate: null }
const proofs = { origin: 'https://api.example.com', replay: createMemoryReplayStore() }

describe.each<[heading: string, rows: number, create: (options: Readonly<Record<string, number>>) => unknown]>([
  ['Key sets', 8, (keySet) => createVerifier({ ...api, keySet })],
  ['Token cache', 3, (tokenCache) => createVerifier({ ...api, tokenCache })],
  ['Limits', 8, (limits) => createVerifier({ ...api, limits })],
  ['Introspection', 2, (options) => createIntrospectionVerifier({ ...api, client, ...options })],
  ['Introspection cache', 3, (cache) => createIntrospectionVerifier({ ...api, client, cache })],
  ['DPoP', 4, (options) => dpop({ ...proofs, ...options })],
  [
    'DPoP nonces',
    1,
    (options) => dpop({ ...proofs, nonces: { secret: 'a secret of at least thirty-two bytes', ...options } }),
  ],
  ['Resource metadata', 2, (options) => protectedResource({ resource: 'https://api.example.com', ...options })],
  [
    'MCP',
    2,
    (options) => mcpResource({ resource: 'https://mcp.example.com', scopes: [], issuer: api.issuer, ...options }),
  ],
  ['Back-channel logout', 2, (options) => createLogoutEndpoint({ ...reported, clientId: 'shop', ...options })],
  ['Security events', 2, (options) => createSecurityEventEndpoint({ ...reported, ...receiver, ...options })],
  ['Status lists', 6, (options) => statusList({ hosts: ['status.example.com'], ...options })],
  ['Denylists', 4, (options) => denylist({ store: createMemoryDenylist(), ...options })],
])('the ranges of "%s" in docs/options.md', (heading, count, create) => {
  const rows = rowsBelow('docs/options.md', heading)

  it('are those of every number', () => {
    expect(rows).toHaveLength(count)
  })

  it.each(rows)('accept $name from $least to $most, and no other', ({ name, least, most }) => {
    for (const value of [least, most]) expect(() => create({ [name]: value }), String(value)).not.toThrow()
    for (const value of [least - 0.001, most + 1]) expect(() => create({ [name]: value }), String(value)).toThrow(name)
  })
})

it('the message for a wrong option is that of docs/options.md', () => {
  const [, message = 'no message'] = /`(Cannot create verifier: [^`]+)`/.exec(pageAt('docs/options.md')) ?? []
  expect(() => createVerifier({ ...api, clockTolerance: -1 })).toThrow(message)
})

it.each(rowsBelow('docs/issuer.md', 'Options'))(
  'docs/issuer.md: $name is from $least to $most',
  async ({ name, least, most }) => {
    for (const value of [least, most]) await createIssuer({ issuer: 'https://login.example', [name]: value })
    for (const value of [least - 1, most + 1])
      await expect(createIssuer({ issuer: 'https://login.example', [name]: value })).rejects.toThrow(name)
  },
)
