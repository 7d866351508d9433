import { sha256 } from '#bytes'
import { answeredWithin, AuthError, type BindingFinding, checkAlgorithm, webCryptoSignature } from '../adapter.ts'
import { isPlainlyEqual, normalisedUrl, requestUrl } from './htu.ts'
import type { Nonces } from './nonces.ts'
import type { ResolvedDpopOptions } from './options.ts'
import { type Attempt, badProof, proofKeys, proofParser } from './proof.ts'

/** A step of the check of a proof (RFC 9449 section 4.3). */
export interface ProofStep {
  readonly name: string
  readonly needs: readonly string[]
  /** Returns a promise only if something must be awaited. Throws the refusal. */
  run(attempt: Attempt): Promise<void> | void
  /** What it found, for `explain`. Absent for a step that uses up the proof. */
  describe?(attempt: Attempt): BindingFinding
}

/** The step that compares the key of the proof with that of the token. */
export const KEY_STEP = 'proof.jkt'

const PARSED = ['proof']
const LONGEST_JTI = 512

/**
 * The steps of every proof, in their only order: what costs nothing, the signature, the key of the token, the nonce, and last the replay
 * store, which uses up the proof.
 */
export function proofSteps(rules: ResolvedDpopOptions, nonces: Nonces | undefined): readonly ProofStep[] {
  const { origin, replay, clockTolerance } = rules
  const algorithms = new Set(rules.algorithms)
  const now = (): number => rules.clock.now() / 1000
  const parse = proofParser(rules.proofLength)
  const keyOf = proofKeys()

  const time: ProofStep = {
    name: 'proof.iat',
    needs: PARSED,
    run: (attempt) => {
      const { iat } = attempt.proof.claims
      if (typeof iat !== 'number' || !(iat >= 0)) throw badProof('iat: seconds since the epoch', typeof iat)
      if (nonces === undefined) attempt.end = endOfRecent(iat, now(), rules)
    },
    describe: ({ proof: { claims } }) => ({
      expected: nonces === undefined ? `a time at most ${rules.maxAge} s ago` : 'a time, which nonces make unimportant',
      actual: `${Math.round(now() - Number(claims.iat))} s ago`,
    }),
  }

  const nonce: ProofStep = {
    name: 'proof.nonce',
    needs: PARSED,
    run: async (attempt) => {
      const given = attempt.proof.claims['nonce']
      const end = typeof given === 'string' ? await nonces?.endOf(given) : undefined
      if (end === undefined) throw await nonceMissing(given, nonces)
      attempt.end = end
    },
    describe: ({ end }) => ({
      expected: 'a current nonce of this API',
      actual: `one for ${Math.floor(end - now())} s`,
    }),
  }

  const once: ProofStep = {
    name: 'proof.replay',
    needs: [],
    run: async ({ proof, key, end }) => {
      // Kept a little longer, because other processes may be behind.
      const seconds = Math.ceil(end + clockTolerance - now()) + 1
      const name = `${key.jkt}.${await sha256(proof.claims.jti ?? '')}`
      if (!(await insert(rules, name, Math.max(1, seconds)))) throw badProof('a proof that was not used before')
    },
  }

  return [
    {
      name: 'proof',
      needs: [],
      run: (attempt) => {
        attempt.proof = parse(attempt.view.header('dpop'))
      },
      describe: () => ({ expected: 'one DPoP header with a well-formed JWT', actual: 'one' }),
    },
    {
      name: 'proof.typ',
      needs: PARSED,
      run: ({ proof: { header } }) => {
        if (header.typ !== TYPE) throw badProof(`typ: ${TYPE}`, header.typ ?? 'none')
      },
      describe: ({ proof: { header } }) => ({ expected: TYPE, actual: header.typ }),
    },
    {
      name: 'proof.alg',
      needs: PARSED,
      run: ({ proof }) => {
        try {
          checkAlgorithm(proof, algorithms)
        } catch (error) {
          throw error instanceof AuthError
            ? badProof(`alg: one of the list, with a signature`, error.code, error)
            : error
        }
      },
      describe: ({ proof: { header } }) => ({ expected: algorithms, actual: header.alg }),
    },
    {
      name: 'proof.htm',
      needs: PARSED,
      run: ({ proof: { claims }, view }) => {
        if (claims['htm'] !== view.method) throw badProof(`htm: ${view.method}`, claims['htm'] ?? 'none')
      },
      describe: ({ proof: { claims }, view }) => ({ expected: view.method, actual: claims['htm'] }),
    },
    {
      name: 'proof.htu',
      needs: PARSED,
      run: ({ proof: { claims }, view }) => assertUrl(claims['htu'], origin, view.target),
      describe: ({ proof: { claims }, view }) => ({ expected: requestUrl(origin, view.target), actual: claims['htu'] }),
    },
    {
      name: 'proof.jti',
      needs: PARSED,
      run: ({ proof: { claims } }) => {
        const jti: unknown = claims.jti
        if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
          throw badProof(`jti: text of 1 to ${LONGEST_JTI} characters`, typeof jti)
      },
      describe: ({ proof: { claims } }) => ({ expected: 'a string', actual: `${claims.jti?.length} characters` }),
    },
    time,
    {
      name: 'proof.ath',
      needs: PARSED,
      run: async ({ proof: { claims }, credential }) => {
        if (claims['ath'] !== (await sha256(credential.token)))
          throw badProof('ath: the hash of the access token', claims['ath'] === undefined ? 'none' : 'another hash')
      },
      describe: () => ({ expected: 'the hash of the access token', actual: 'that hash' }),
    },
    {
      name: 'proof.jwk',
      needs: ['proof', 'proof.alg'],
      run: async (attempt) => {
        attempt.key = await keyOf(attempt.proof.header)
      },
      describe: ({ key }) => ({ expected: 'a sound public key', actual: `one with the thumbprint ${key.jkt}` }),
    },
    {
      name: 'proof.signature',
      needs: ['proof.jwk'],
      run: async ({ proof, key }) => {
        const algorithm = checkAlgorithm(proof, algorithms)
        if (!(await webCryptoSignature(proof, algorithm, key.key)))
          throw badProof('a signature by the key in jwk', 'another signature')
      },
      describe: () => ({ expected: 'a signature by that key', actual: 'verified' }),
    },
    {
      name: KEY_STEP,
      needs: ['proof.jwk'],
      run: ({ key, thumbprint }) => {
        if (key.jkt === thumbprint) return
        throw new AuthError('binding_failed', {
          expected: 'a proof of the key that the token is bound to',
          actual: 'one of another key',
          hint: 'The client must sign proofs with the key that it used when it requested the token',
        })
      },
      describe: ({ key, thumbprint }) => ({ expected: thumbprint, actual: key.jkt }),
    },
    ...(nonces === undefined ? [] : [nonce]),
    ...(replay === 'checked-elsewhere' ? [] : [once]),
  ]
}

const TYPE = 'dpop+jwt'

/** When a proof is too old. @throws AuthError for one that is too old, or from the future */
function endOfRecent(iat: number, time: number, { maxAge, clockTolerance }: ResolvedDpopOptions): number {
  const age = time - iat
  if (age > maxAge + clockTolerance) throw badProof(`iat: at most ${maxAge} s ago`, `${Math.round(age)} s ago`)
  if (age < -clockTolerance) throw badProof('iat: not in the future', `${Math.round(-age)} s ahead`)
  return iat + maxAge + clockTolerance
}

function assertUrl(htu: unknown, origin: string, target: string): void {
  if (isPlainlyEqual(htu, origin, target)) return
  const expected = requestUrl(origin, target)
  const actual = typeof htu === 'string' ? normalisedUrl(htu) : undefined
  if (expected === undefined || actual !== expected)
    throw badProof(`htu: ${expected ?? 'a path without dot segments'}`, actual ?? 'no URL to compare')
}

async function nonceMissing(given: unknown, nonces: Nonces | undefined): Promise<AuthError> {
  return new AuthError('binding_failed', {
    expected: 'a current nonce of this API in the proof',
    actual: given === undefined ? 'none' : 'one that has ended, or that is not from here',
    hint: 'The client must repeat the request with the nonce in the DPoP-Nonce header of this answer',
    refusal: { status: 401, error: 'use_dpop_nonce' },
    headers: nonces === undefined ? {} : { 'DPoP-Nonce': await nonces.issue() },
  })
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
