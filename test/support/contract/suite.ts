import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCredentials } from './credentials.ts'
import { withoutScopes } from './expected.ts'
import { type RawResponse, sendRaw } from './raw-request.ts'
import { contractRows, type Row } from './rows.ts'
import { seen, wanted } from './seen.ts'
import { createServices } from './services.ts'
import { listen, type StartAdapter, type StartedAdapter } from './started-adapter.ts'

const { jwks, tokens } = await createCredentials()

/** The rows of the contract. */
export const rows: readonly Row[] = contractRows(tokens)

/** Sends every request of the contract to an adapter. */
export function testContract(name: string, start: StartAdapter): void {
  describe(`adapter contract: ${name}`, () => {
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
}

/** Like `testContract`, if requirements are in handlers: a middleware that refuses requests without credentials does not know them yet. */
export function testContractWithHandlers(name: string, start: StartAdapter): void {
  describe(`adapter contract: ${name} with requirements in route handlers`, () => {
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
}

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
