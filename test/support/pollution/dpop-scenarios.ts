import { createAuthenticator, scope } from '@claimgate/core'
import { createMemoryReplayStore, dpop, type DpopOptions, type ReplayStore } from '@claimgate/core/dpop'
import { mtls } from '@claimgate/core/mtls'
import { createTestKeys } from '@claimgate/testing'
import { NOW, request } from '../core/refusal.ts'
import { accessClaims, AUDIENCE, ISSUER } from '../core/jose-tokens.ts'
import { createDpopClient, ORIGIN, type ProofChanges } from '../dpop/client.ts'
import { outcome, type Scenario, stringify } from './scenario.ts'

const keys = await createTestKeys('ES256')
const client = await createDpopClient()
const other = await createDpopClient()
const token = await keys.sign(accessClaims({ cnf: { jkt: client.jkt } }))
const plain = await keys.sign(accessClaims())
const proof = (changes: ProofChanges = {}): Promise<string> => client.proof(token, changes)

/** What a request sends. Every proof is made before anything is polluted. */
const SENT: Readonly<Record<string, readonly [authorization: string, proof?: string]>> = {
  good: [`DPoP ${token}`, await proof({ claims: { jti: 'good' } })],
  'the same again': [`DPoP ${token}`, await proof({ claims: { jti: 'good' } })],
  'no proof': [`DPoP ${token}`],
  'no JWT': [`DPoP ${token}`, 'proof'],
  'no jti': [`DPoP ${token}`, await proof({ claims: { jti: undefined } })],
  'no htm': [`DPoP ${token}`, await proof({ claims: { htm: undefined } })],
  'no htu': [`DPoP ${token}`, await proof({ claims: { htu: undefined } })],
  'no ath': [`DPoP ${token}`, await proof({ claims: { ath: undefined } })],
  'no iat': [`DPoP ${token}`, await proof({ claims: { iat: undefined } })],
  'no typ': [`DPoP ${token}`, await proof({ header: { typ: undefined } })],
  'no jwk': [`DPoP ${token}`, await proof({ header: { jwk: undefined } })],
  'too old': [`DPoP ${token}`, await proof({ claims: { iat: NOW - 100 } })],
  'another key': [`DPoP ${token}`, await other.proof(token)],
  Bearer: [`Bearer ${token}`, await proof()],
  'a plain token': [`DPoP ${plain}`, await client.proof(plain)],
  'a plain token as Bearer': [`Bearer ${plain}`],
}

/** The answers of DPoP, and what `explain` says. */
export function dpopScenarios(): readonly Scenario[] {
  const clock = { now: () => NOW * 1000 }
  const kinds: readonly [string, Partial<DpopOptions>][] = [
    ['without nonces', {}],
    ['with nonces', { nonces: { secret: 'a secret of at least thirty-two bytes' } }],
    ['without a store', { replay: 'checked-elsewhere' }],
  ]
  const whole = { origin: ORIGIN, replay: createMemoryReplayStore(), clock }
  return [
    ...kinds.map(([name, more]) => ({
      name: `DPoP, ${name}`,
      start: () => {
        let store = createMemoryReplayStore()
        const replay: ReplayStore = { insertIfAbsent: (key, seconds) => store.insertIfAbsent(key, seconds) }
        const authenticator = createAuthenticator({
          issuer: ISSUER,
          audience: AUDIENCE,
          jwks: { keys: [keys.publicJwk] },
          clock,
          bindings: [dpop({ ...whole, replay, ...more }), mtls({ from: 'connection' })],
        })
        return async () => {
          store = createMemoryReplayStore()
          const answers: Record<string, string> = {}
          for (const [sent, [authorization, field]] of Object.entries(SENT)) {
            const view = request({ authorization, ...(field !== undefined && { dpop: field }) })
            const { steps, summary } = await authenticator.explain(view, scope('orders:read'))
            answers[`${sent}, explained`] = `${steps.map(({ step, result }) => `${step} ${result}`).join()} ${summary}`
            answers[sent] = await outcome(async () => {
              const answer = await authenticator.authenticate(view)
              if (answer.kind === 'refused') throw answer.error
              return `accepted ${stringify(answer)}`
            })
          }
          return answers
        }
      },
    })),
    {
      name: 'the options of DPoP',
      start: () => async () => {
        const answers: Record<string, string> = {}
        for (const missing of ['nothing', ...Object.keys(whole)]) {
          const given = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          answers[missing] = await outcome(() => `accepted ${stringify(dpop(given as unknown as DpopOptions))}`)
        }
        return answers
      },
    },
  ]
}
