// One of the processes of the API. `main.ts` starts three.
import { optionsFromEnv } from '@claimgate/core'
import { denylist } from '@claimgate/core/denylist'
import { dpop } from '@claimgate/core/dpop'
import { authenticateJwt, getAuth } from '@claimgate/express'
import { redisDenylist, redisJwkSets, redisReplayStore } from '@claimgate/redis'
import express from 'express'
import { createClient } from 'redis'

const { REDIS_URL = 'redis://127.0.0.1:6379', ORIGIN = 'https://api.example.com' } = process.env

const redis = createClient({ url: REDIS_URL })
redis.on('error', (error: NodeJS.ErrnoException) => console.error(`Redis: ${error.code ?? error.name}`))
await redis.connect()

const replay = redisReplayStore(redis)
const store = redisDenylist(redis)
// Stops here if Redis may evict entries.
await Promise.all([replay.ready(), store.ready()])

const revoked = denylist({ store })
const app = express().use(
  authenticateJwt({
    ...optionsFromEnv(process.env),
    // A token without a session could not be revoked below.
    requiredClaims: ['sid'],
    keySet: { store: redisJwkSets(redis) },
    checks: [revoked],
    bindings: [dpop({ origin: ORIGIN, replay })],
    log: console,
  }),
)

app.get('/me', (req, res) => {
  res.json({ sub: getAuth(req).claims.sub, process: process.pid })
})

app.post('/logout', (req, res, next) => {
  const { iss, sid } = getAuth(req).claims
  revoked.denySession(iss ?? null, String(sid)).then(() => res.status(204).end(), next)
})

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : undefined)
})
