import express5 from 'express'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCredentials } from '../support/contract/credentials.ts'
import { withoutScopes } from '../support/contract/expected.ts'
import { startExpress } from '../support/contract/express-adapter.ts'
import { startFastify } from '../support/contract/fastify-adapter.ts'
import { startFetch } from '../support/contract/fetch-adapter.ts'
import { startHono } from '../support/contract/hono-adapter.ts'
import { type RawResponse, sendRaw } from '../support/contract/raw-request.ts'
import { contractRows } from '../support/contract/rows.ts'
import { seen, wanted } from '../support/contract/seen.ts'
import { createServices } from '../support/contract/services.ts'
import { listen, type StartAdapter, type StartedAdapter } from '../support/contract/started-adapter.ts'

// Express 4 has no types; the parts used here are the same as in Express 5.
const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const { jwks, tokens } = await createCredentials()
const rows = contractRows(tokens)

const adapters: readonly (readonly [string, StartAdapter])[] = [
  ['Express 4', startExpress(express4, 'in the options')],
  ['Express 5', startExpress(express5, 'in the options')],
  ['Fastify 5', startFastify],
  ['fetch', startFetch],
  ['Hono', startHono('in the options')],
]

describe.each(adapters)('adapter contract: %s', (_, start) => {
  let adapter: StartedAdapter

  beforeAll(async () => {
    adapter = await start(createServices(jwks, await deadUri()))
  })

  afterAll(() => adapter.close())

  it.each(rows)('$name', async ({ request, expected }) => {
    const before = adapter.served()
    const response = await sendRaw(adapter.port, request)
    expect(seen(response)).toEqual(wanted(expected))
    expect(adapter.served() - before).toBe(expected.reaches === 'service' ? 1 : 0)
    expect(leaked(response)).toEqual([])
  })
})

// A middleware that refuses requests without credentials answers before it knows the route's requirement.
describe.each([
  ['Express 5', startExpress(express5, 'in a route handler')],
  ['Hono', startHono('in a route handler')],
] as const)('adapter contract: %s with requirements in route handlers', (_, start) => {
  let adapter: StartedAdapter

  beforeAll(async () => {
    adapter = await start(createServices(jwks, await deadUri()))
  })

  afterAll(() => adapter.close())

  it.each(rows)('$name', async ({ request, expected }) => {
    const early = !request.target.startsWith('/orders/optional')
    expect(seen(await sendRaw(adapter.port, request))).toEqual(wanted(early ? withoutScopes(expected) : expected))
  })
})

describe('the adapter contract', () => {
  it('has unique row names', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })

  it('runs on the stated Express versions', () => {
    const versions = [express4, express5].map((framework) => 'lazyrouter' in framework.application)
    expect(versions).toEqual([true, false])
  })
})

/** The names of tokens of which a part appears in the answer. */
function leaked({ headers, body }: RawResponse): readonly string[] {
  const answer = [...headers.values(), body].join('\n')
  return Object.entries(tokens)
    .filter(([, token]) => token.split('.').some((part) => part.length > 0 && answer.includes(part)))
    .map(([name]) => name)
}

/** The address of a JWK Set at a port that was free when checked. */
async function deadUri(): Promise<string> {
  const { port, close } = await listen(createServer())
  await close()
  return `http://127.0.0.1:${port}/jwks.json`
}
