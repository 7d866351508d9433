import { createAuthenticator, type Outcome } from '@claimgate/core'
import { denylist, type Denylist } from '@claimgate/core/denylist'
import { redisDenylist, type RedisClient, type RedisGuardOptions, redisReplayStore } from '@claimgate/redis'
import { request } from '../core/refusal.ts'
import { createAuthority } from '../adapters/authority.ts'
import { boundToken, createDpopApi, createDpopClient, type DpopClient } from '../dpop/client.ts'

const authority = await createAuthority()
const client = await createDpopClient()
const bound = await boundToken(client.jkt)

/** The status, and the code of a refusal. */
const lineOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? `${outcome.response.status} ${outcome.error.code}` : '200'

/** An API whose replay store and denylist are on Redis. */
export function guardedApi(redis: RedisClient, options: RedisGuardOptions = {}) {
  const api = createDpopApi({ replay: redisReplayStore(redis, options) })
  const revoked: Denylist = denylist({ store: redisDenylist(redis, options) })
  const authenticator = createAuthenticator({ ...authority.options, checks: [revoked] })
  const withToken = async (token: string): Promise<string> =>
    lineOf(await authenticator.authenticate(request({ authorization: `Bearer ${token}` })))
  const withProof = async (proof: string): Promise<string> => lineOf(await api.send(bound, proof))
  return {
    revoked,
    /** The answer to a new proof, and to a token that is not revoked. */
    ask: async (): Promise<readonly string[]> =>
      Promise.all([newProof().then(withProof), authority.token({ jti: 'good', sub: 'good' }).then(withToken)]),
    withProof,
    withToken,
  }
}

export const newProof = async (): ReturnType<DpopClient['proof']> => client.proof(bound)

/** A token with an issuer, a subject, a session and an ID. */
export const newToken = async (claims: object): Promise<string> => authority.token(claims)

export const ISSUER: string = authority.options.issuer
