import { bare, type Binding, own } from '../adapter.ts'
import { createNonces } from './nonces.ts'
import { type DpopOptions, resolveDpopOptions } from './options.ts'
import { newAttempt } from './proof.ts'
import { KEY_STEP, proofSteps } from './steps.ts'

/**
 * The binding of access tokens to a key that the client holds: DPoP (RFC 9449). Use it as
 * `authenticateJwt({ …, bindings: [dpop({ origin: 'https://api.example.com', replay: createMemoryReplayStore() })] })`.
 *
 * A token with `cnf.jkt` must come in the scheme `DPoP`, with one proof for this request, signed by that key and not seen before. A bad proof
 * is refused with 401 `invalid_dpop_proof`, a proof of another key with 401 `invalid_token`. If the replay store fails or does not answer,
 * requests get status 503. `explain` of an authenticator reports each step, and does not use up the proof.
 *
 * @throws TypeError for options that are missing or out of range
 */
export function dpop(options: DpopOptions): Binding {
  const rules = resolveDpopOptions(options)
  const now = (): number => rules.clock.now() / 1000
  const nonces = rules.nonces === undefined ? undefined : createNonces({ ...rules, now })
  const steps = proofSteps(rules, nonces)
  return Object.freeze<Binding>({
    confirmation: 'jkt',
    scheme: 'DPoP',
    challenge: Object.freeze(bare({ algs: rules.algorithms.join(' ') })),
    confirm: async (thumbprint, _token, view, credential) => {
      const attempt = newAttempt(thumbprint, view, credential)
      for (const step of steps) {
        const waiting = step.run(attempt)
        if (waiting !== undefined) await waiting
      }
      // Clients get the next nonce in the second half of the lifetime, and so never have to repeat a request.
      const isEnding = nonces !== undefined && attempt.end - now() < rules.lifetime / 2
      return isEnding ? { headers: { 'DPoP-Nonce': await nonces.issue() } } : undefined
    },
    steps: (thumbprint, view, credential) => {
      const attempt = newAttempt(thumbprint, view, credential)
      return steps.map((step) => {
        const { name, needs } = step
        const describe = own(step, 'describe')
        if (describe === undefined) return { name, hint: 'Not tried, because it uses up the proof' }
        if (name === KEY_STEP && thumbprint === undefined)
          return { name, hint: 'Not tried, because no accepted token names a key' }
        const explained = async () => {
          await step.run(attempt)
          return describe(attempt)
        }
        return { name, needs, run: explained }
      })
    },
  })
}
