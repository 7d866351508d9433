// One process of an API that accepts DPoP proofs. It gets requests from its parent, and answers with their outcomes.
import { createAuthenticator, type VerifierOptions } from '@claimgate/core'
import { dpop } from '@claimgate/core/dpop'
import { redisReplayStore } from '@claimgate/redis'
import { Redis } from 'ioredis'
import { once } from 'node:events'
import { ORIGIN } from '../race.ts'

const [url = '', options = ''] = process.argv.slice(2)
const redis = new Redis(url)
const replay = redisReplayStore(redis, { timeout: 10 })
await replay.ready()
const authenticator = createAuthenticator({
  ...(JSON.parse(options) as VerifierOptions),
  bindings: [dpop({ origin: ORIGIN, replay, timeout: 20 })],
})
process.send?.('ready')
const [requests] = (await once(process, 'message')) as [readonly Readonly<Record<string, string>>[]]
const outcomes = await Promise.all(
  requests.map(async (fields) => {
    const header = (name: string): readonly string[] => (fields[name] === undefined ? [] : [fields[name]])
    const outcome = await authenticator.authenticate({ method: 'GET', target: '/orders', header })
    return outcome.kind === 'refused' ? outcome.error.code : outcome.kind
  }),
)
redis.disconnect()
process.send?.(outcomes)
process.disconnect()
