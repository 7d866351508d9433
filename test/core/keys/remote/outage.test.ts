import { createVerifier } from '@claimgate/core'
import { createTestKeys, startFaultyJwksServer, type Fault, type TestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { report } from '../../../support/resilience/report.ts'
import { shiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'

const ISSUER = 'https://issuer.example'
const before = await createTestKeys('ES256', { kid: 'before' })
const after = await createTestKeys('ES256', { kid: 'after' })
const withdrawn = await createTestKeys('ES256', { kid: 'withdrawn' })

const HOUR = 3600
const STEP = 5

/** An hour in which the endpoint fails in one way, and a new key is published after thirty minutes of it. */
async function anHourOf(fault: Fault, sharing: 'promise' | 'poll') {
  const clock = shiftedClock()
  const server = await startFaultyJwksServer({
    jwks: { keys: [before.publicJwk, withdrawn.publicJwk] },
    now: clock.monotonic,
  })
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: 'api',
    jwksUri: server.url,
    clock,
    // Short deadlines, because a hanging fetch takes real time.
    keySet: { timeout: 0.1, softWait: 0.02, sharing },
  })
  const ask = async ({ sign }: TestKeys, age = 0): Promise<string> => {
    const now = Math.floor(clock.now() / 1000)
    const claims = { iss: ISSUER, aud: 'api', sub: 'someone', iat: now - age, exp: now + 300 }
    return verdict(verifier.verify(await sign(claims)))
  }
  const counts = { known: new Map<string, number>(), published: new Map<string, number>() }
  const count = (tally: Map<string, number>, outcome: string): void =>
    void tally.set(outcome, (tally.get(outcome) ?? 0) + 1)

  for (let tries = 0; tries < 10 && (await ask(before)) !== 'verified'; tries += 1) clock.pass(120)
  await server.behave(fault)
  const start = clock.monotonic()
  const passed = (): number => (clock.monotonic() - start) / 1000
  let rotated = false
  // The requests themselves take real time, a little of which is part of the hour.
  while (passed() < HOUR - STEP) {
    // Its deadline is real: advancing the clock must not shorten it.
    await server.idle()
    clock.pass(STEP)
    if (passed() >= HOUR / 2 && !rotated) {
      rotated = true
      server.publish(before.publicJwk, after.publicJwk)
    }
    count(counts.known, await ask(before))
    if (rotated) count(counts.published, await ask(after))
  }
  const fetches = server.stats().requests.length
  await server.behave({ kind: 'ok' })
  // The longest back-off is a minute.
  clock.pass(61)
  const recovered: string[] = []
  for (let tries = 0; tries < 10 && recovered.at(-1) !== 'verified'; tries += 1) {
    recovered.push(await ask(after))
    await server.idle()
    if (recovered.at(-1) !== 'verified') clock.pass(61)
  }
  const afterwards = [await ask(before), await ask(after), await ask(withdrawn, 200)]
  verifier.close()
  await server.close()
  return { ...counts, fetches, recovered, afterwards }
}

describe("an hour's outage with a rotation in the middle", () => {
  it.each<[string, Fault, 'promise' | 'poll']>([
    ['refuses connections', { kind: 'refuse' }, 'promise'],
    ['answers 503', { kind: 'status', status: 503 }, 'promise'],
    ['hangs', { kind: 'hang' }, 'promise'],
    ['truncates its answers', { kind: 'truncated' }, 'poll'],
    ['shows a page', { kind: 'html' }, 'promise'],
    ['resets connections', { kind: 'reset', at: 'body' }, 'poll'],
  ])('in which the endpoint %s: no request with a known key is refused', async (name, fault, sharing) => {
    const { known, published, fetches, recovered, afterwards } = await anHourOf(fault, sharing)
    const asked = [...known.values()].reduce((sum, count) => sum + count, 0)
    const refused = asked - (known.get('verified') ?? 0)
    report(
      `An hour in which the endpoint ${name}: ${asked} valid requests with a known key, ${refused} refused; with the new key ` +
        `${[...published].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}; ${fetches} fetches arrived`,
    )
    expect(asked).toBeGreaterThan(600)
    expect(refused).toBe(0)
    // A key published during the outage is answered with "retry later", and never with "your token is bad".
    expect([...published.keys()]).toEqual(['503 keys_unavailable'])
    // Two a minute, and seven in the first minute.
    expect(fetches).toBeLessThanOrEqual(2 * 60 + 7)
    // On a busy machine one good answer may miss the short deadline; a refusal is not an allowed result.
    expect(recovered.filter((outcome) => outcome !== '503 keys_unavailable')).toEqual(['verified'])
    expect(afterwards).toEqual(['verified', 'verified', '401 key_not_found'])
  })
})
