import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier } from '@claimgate/core'
import { createMemoryJwkSetStore, type JwkSetSeed, remoteKeySet } from '@claimgate/core/extend'
import { createTestKeys, type TestKeys } from '@claimgate/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { shiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'

const gone = await createTestKeys('ES256', { kid: 'gone' })
const moved = await createTestKeys('ES256', { kid: 'moved', generation: 2 })
const AUDIENCE = 'https://api.example'

/** An issuer that moves its keys to another URL, where the first version of the set has the same entity tag as the old one. */
async function startIssuer() {
  const asked: string[] = []
  let place = '/old'
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/.well-known/')) {
      res.end(JSON.stringify({ issuer, jwks_uri: `${issuer}${place}` }))
      return
    }
    const tag = req.headers['if-none-match']
    asked.push(`${req.url}${tag === undefined ? '' : ` if not ${tag}`}`)
    if (tag === '"1"') {
      res.writeHead(304).end()
      return
    }
    const keys = [(req.url === '/old' ? gone : moved).publicJwk]
    res.writeHead(200, { etag: '"1"' }).end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const move = (): void => {
    place = '/new'
    asked.length = 0
  }
  return { issuer, asked, move }
}

describe('28. An entity tag does not confirm keys of another URL', () => {
  const setUp = async () => {
    const { issuer, asked, move } = await startIssuer()
    const clock = shiftedClock()
    const store = createMemoryJwkSetStore()
    const worker = (keySet: object = {}) => {
      const verifier = createVerifier({ issuer, audience: AUDIENCE, clock, keySet })
      return async (keys: TestKeys): Promise<string> => {
        const iat = Math.floor(clock.now() / 1000)
        const claims = { iss: issuer, aud: AUDIENCE, sub: 'ada', iat: iat - 120, exp: iat + 600 }
        return verdict(verifier.verify(await keys.sign(claims)))
      }
    }
    const seed = async (): Promise<JwkSetSeed> => {
      await expect.poll(async () => store.get(issuer)).toBeDefined()
      return (await store.get(issuer)) as JwkSetSeed
    }
    const withoutUrl = ({ uri, jwks, fetchedAt, etag = '' }: JwkSetSeed): JwkSetSeed => ({ uri, jwks, fetchedAt, etag })
    return { issuer, asked, move, clock, store, worker, seed, withoutUrl }
  }
  type World = Awaited<ReturnType<typeof setUp>>

  it.each<[string, (world: World) => Promise<ReturnType<World['worker']>>]>([
    ['from a seed', async ({ worker, seed }) => worker({ seed: await seed() })],
    ['from a seed without a URL', async ({ worker, seed, withoutUrl }) => worker({ seed: withoutUrl(await seed()) })],
    ['from a seed whose URL is not text', async ({ worker, seed }) => worker({ seed: { ...(await seed()), url: 7 } })],
    ['from a store', async ({ worker, store, seed }) => (await seed(), worker({ store }))],
    [
      'from a store of an earlier version',
      async ({ worker, store, seed, withoutUrl, issuer }) => {
        await store.set(issuer, withoutUrl(await seed()))
        return worker({ store })
      },
    ],
  ])('%s: a removed key is refused, and the new one is found', async (_, start) => {
    const world = await setUp()
    expect(await world.worker({ store: world.store })(gone)).toBe('verified')
    const answer = await start(world)
    world.move()
    world.clock.pass(700)
    expect(await answer(gone)).toBe('401 key_not_found')
    expect(await answer(moved)).toBe('verified')
    expect(world.asked).toEqual(['/new'])
  })

  it('also within one verifier', async () => {
    const { worker, move, clock, asked } = await setUp()
    const answer = worker()
    expect(await answer(gone)).toBe('verified')
    move()
    clock.pass(700)
    expect([await answer(gone), await answer(moved)]).toEqual(['401 key_not_found', 'verified'])
    expect(asked).toEqual(['/new'])
  })

  it('but it confirms those of the same URL', async () => {
    const { worker, store, seed, clock, asked, issuer } = await setUp()
    expect(await worker({ store })(gone)).toBe('verified')
    expect(await seed()).toMatchObject({ uri: issuer, url: `${issuer}/old`, etag: '"1"' })
    asked.length = 0
    clock.pass(700)
    expect(await worker({ seed: await seed() })(gone)).toBe('verified')
    expect(asked).toEqual(['/old if not "1"'])
  })

  it('and a configured URL needs no second name', async () => {
    const { issuer, clock, asked } = await setUp()
    const first = remoteKeySet(`${issuer}/old`, { clock })
    await first.ready()
    const seed = first.export()
    expect(seed).not.toHaveProperty('url')
    clock.pass(700)
    asked.length = 0
    await remoteKeySet(`${issuer}/old`, { clock, ...(seed && { seed }) }).resolve({ alg: 'ES256', kid: 'gone' })
    expect(asked).toEqual(['/old if not "1"'])
  })
})
