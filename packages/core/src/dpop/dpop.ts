import * as base64url from 'jose/base64url'
import { answeredWithin, AuthError, bare, type Binding } from '../adapter.ts'
import { normalisedUrl, requestUrl } from './htu.ts'
import { createNonces } from './nonces.ts'
import { type DpopOptions, type ResolvedDpopOptions, resolveDpopOptions } from './options.ts'
import { badProof, type Proof, verifyProof } from './proof.ts'

/**
 * The binding of access tokens to a key that the client holds: DPoP (RFC 9449). Use it as
 * `authenticateJwt({ …, bindings: [dpop({ origin: 'https://api.example.com', replay: createMemoryReplayStore() })] })`.
 *
 * A token with `cnf.jkt` must come in the scheme `DPoP`, with one proof for this request, signed by that key and not seen before. A bad proof
 * is refused with 401 `invalid_dpop_proof`, a proof of another key with 401 `invalid_token`. If the replay store fails or does not answer,
 * requests get status 503. `explain` does not check proofs.
 *
 * @throws TypeError for options that are missing or out of range
 */
export function dpop(options: DpopOptions): Binding {
  const rules = resolveDpopOptions(options)
  const { origin, replay, nonces: required, clockTolerance, algorithms } = rules
  const now = (): number => rules.clock.now() / 1000
  const nonces = required === undefined ? undefined : createNonces({ ...rules, now })

  /** When the proof ends: with its nonce, or with its time. */
  const endOf = async ({ nonce, iat }: Proof): Promise<number> => {
    if (nonces === undefined) return endOfRecent(iat, now(), rules)
    const end = typeof nonce === 'string' ? await nonces.endOf(nonce) : undefined
    if (end !== undefined) return end
    throw new AuthError('binding_failed', {
      expected: 'a current nonce of this API in the proof',
      refusal: { status: 401, error: 'use_dpop_nonce' },
      headers: { 'DPoP-Nonce': await nonces.issue() },
    })
  }

  return Object.freeze<Binding>({
    confirmation: 'jkt',
    scheme: 'DPoP',
    challenge: Object.freeze(bare({ algs: algorithms.join(' ') })),
    confirm: async (thumbprint, _token, view, { token }) => {
      const [proof, ath] = await Promise.all([verifyProof(view.header('dpop'), rules), digest(token)])
      if (proof.htm !== view.method) throw badProof('htm: the method of the request', proof.htm)
      assertUrl(proof.htu, requestUrl(origin, view.target))
      if (proof.ath !== ath) throw badProof('ath: the hash of the access token')
      if (proof.jkt !== thumbprint)
        throw new AuthError('binding_failed', { expected: 'a proof of the key that the token is bound to' })
      const end = await endOf(proof)
      if (replay !== 'checked-elsewhere') {
        // Kept a little longer, because other processes may be behind.
        const seconds = Math.ceil(end + clockTolerance - now()) + 1
        const key = `${proof.jkt}.${await digest(proof.jti)}`
        if (!(await insert(rules, key, Math.max(1, seconds)))) throw badProof('a proof that was not used before')
      }
      // Clients get the next nonce in the second half of the lifetime, and so never have to repeat a request.
      const isEnding = nonces !== undefined && end - now() < rules.lifetime / 2
      return isEnding ? { headers: { 'DPoP-Nonce': await nonces.issue() } } : undefined
    },
  })
}

/** When a proof is too old. @throws AuthError for one that is too old, or from the future */
function endOfRecent(iat: number, time: number, { maxAge, clockTolerance }: ResolvedDpopOptions): number {
  const age = time - iat
  if (age > maxAge + clockTolerance) throw badProof(`iat: at most ${maxAge} s ago`, `${Math.round(age)} s ago`)
  if (age < -clockTolerance) throw badProof('iat: not in the future', `${Math.round(-age)} s ahead`)
  return iat + maxAge + clockTolerance
}

function assertUrl(htu: unknown, expected: string | undefined): void {
  const actual = typeof htu === 'string' ? normalisedUrl(htu) : undefined
  if (expected === undefined || actual !== expected)
    throw badProof(`htu: ${expected ?? 'a path below the origin'}`, actual ?? 'no URL to compare')
}

async function insert({ replay, timeout, clock }: ResolvedDpopOptions, key: string, seconds: number): Promise<boolean> {
  if (replay === 'checked-elsewhere') return true
  const deadline = { late: 'The replay store', seconds: timeout, clock }
  try {
    const isNew: unknown = await answeredWithin(deadline, () => replay.insertIfAbsent(key, seconds))
    if (typeof isNew === 'boolean') return isNew
    throw new TypeError('"insertIfAbsent" of a replay store must answer with true or false')
  } catch (cause) {
    // Not the message of the store, which may contain an address with a password.
    throw new AuthError('check_unavailable', { actual: 'the replay store of DPoP', cause })
  }
}

// The base64url of the SHA-256.
async function digest(text: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}
