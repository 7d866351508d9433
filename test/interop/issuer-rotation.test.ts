import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AuthError, createVerifier, type Verifier } from '@claimgate/core'
import { createIssuer, type Issuer, type IssuerOptions, jwksHandler, localSigner } from '@claimgate/issuer'
import { createTestClock, type TestClock } from '@claimgate/testing'
import { afterEach, describe, expect, it } from 'vitest'

const AUDIENCE = 'orders'
const MINUTE = 60_000
const TTL = 300

interface Setting {
  readonly issuer: Issuer
  readonly verifier: Verifier
  readonly clock: TestClock
  /** Status codes of the JWK Set responses, in order. */
  readonly answers: readonly number[]
}

let server: Server | undefined
let verifier: Verifier | undefined
afterEach(async () => {
  verifier?.close()
  server?.closeAllConnections()
  await new Promise((closed) => server?.close(closed))
})

/** An issuer that serves its JWK Set over HTTP, and a verifier that caches it as long as the issuer says. */
async function settingOf(options: Partial<IssuerOptions>): Promise<Setting> {
  const clock = createTestClock()
  const answers: number[] = []
  const listener = createServer().listen(0, '127.0.0.1')
  server = listener
  await once(listener, 'listening')
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  const issuer = await createIssuer({
    issuer: origin,
    audience: AUDIENCE,
    ttl: TTL,
    jwksMaxAge: 120,
    clock,
    ...options,
  })
  const respond = jwksHandler(issuer)
  listener.on('request', ({ method = 'GET', url = '/', headers }, outgoing) => {
    const { 'if-none-match': ifNoneMatch } = headers
    const fields = new Headers(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch })
    const answer = respond(new Request(new URL(url, origin), { method, headers: fields }))
    answers.push(answer.status)
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
    void answer.text().then((body) => outgoing.end(body))
  })
  verifier = createVerifier({
    issuer: origin,
    audience: AUDIENCE,
    jwksUri: `${origin}/.well-known/jwks.json`,
    keySet: { freshFor: 120 },
    clockTolerance: 0,
    clock,
  })
  return { issuer, verifier, clock, answers }
}

const kidOf = async (verified: ReturnType<Verifier['verify']>): Promise<unknown> =>
  verified.then(
    ({ header }) => header?.kid,
    (error: unknown) => (error instanceof AuthError ? error.code : error),
  )

const signers = async () => Promise.all(Array.from({ length: 6 }, async () => localSigner()))

describe.each<[string, () => Promise<Partial<IssuerOptions>>]>([
  ['generated keys', async () => ({})],
  ['a list of signers', async () => ({ signers: await signers() })],
])('rotation of %s, seen by a running verifier', (_, optionsOf) => {
  it('refuses no token: each verifies until it expires', async () => {
    const { issuer, verifier: running, clock, answers } = await settingOf(await optionsOf())
    const live: { readonly token: string; readonly expiry: number }[] = []
    const kids = new Set<unknown>()
    for (let minute = 0; minute < 40; minute += 1) {
      if (minute % 7 === 6) await issuer.rotate()
      live.push({ token: await issuer.issue({ sub: `reader ${minute}` }), expiry: clock.now() + TTL * 1000 })
      for (const { token, expiry } of live) {
        if (clock.now() < expiry) kids.add(await kidOf(running.verify(token)))
      }
      clock.advance(MINUTE)
    }
    expect([...kids].every((kid) => typeof kid === 'string' && kid.length === 43)).toBe(true)
    expect(kids.size).toBe(6)
    // A set that did not change is not sent again.
    expect(answers).toContain(304)
    expect(answers.filter((status) => status === 200).length).toBeLessThanOrEqual(12)
  })

  it('withdraws a key immediately, and the next one takes over', async () => {
    const { issuer, verifier: running, clock } = await settingOf(await optionsOf())
    const leaked = await issuer.issue({ sub: 'ada' })
    const kid = String(await kidOf(running.verify(leaked)))
    await issuer.revoke(kid)
    clock.advance(121_000)
    expect(await kidOf(running.verify(leaked))).toBe('key_not_found')
    expect(await kidOf(running.verify(await issuer.issue({ sub: 'ada' })))).not.toBe(kid)
  })
})
