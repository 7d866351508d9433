import { emit } from '../model/events.ts'
import { MANY, recreations } from '../model/recent-map.ts'
import type { VerifiedToken } from '../model/token.ts'
import { ownOptions } from '../model/values.ts'
import { type IssuerPolicy, resolveClock, type SharedOptions, type VerifierOptions } from './options.ts'
import { createVerifier, type Verifier } from './verifier.ts'

const verifiers = new WeakMap<object, Verifier<object>>()

/**
 * Verifies one token. There is one verifier per options object, so keep the object: its keys live as long as it does. A new object for each
 * call fetches keys each time; a `verifier.recreated` event says so.
 *
 * @throws AuthError with status 401 for a token that is refused, and 503 where keys or a check cannot be reached
 * @throws TypeError for wrong options
 */
export async function verify<C extends object = object>(
  token: string,
  options: VerifierOptions<C>,
): Promise<VerifiedToken<C>> {
  const known = verifiers.get(options) as Verifier<C> | undefined
  if (known !== undefined) return known.verify(token)
  const verifier = createVerifier(options)
  verifiers.set(options, verifier)
  tellOfRecreation(options)
  return verifier.verify(token)
}

// Two issuers with one address of keys are two, and so is an issuer whose address changes.
function tellOfRecreation(given: VerifierOptions): void {
  const { issuer, jwksUri, onEvent, clock } = ownOptions<Partial<IssuerPolicy & SharedOptions>>(
    given,
    RECREATION_OPTIONS,
  )
  if (onEvent === undefined) return
  const name = `${issuer ?? ''} ${String(jwksUri ?? '')}`
  if (!isRecreated(name, resolveClock('create verifier', clock).monotonic())) return
  emit(onEvent, { type: 'verifier.recreated', ...(typeof issuer === 'string' && { issuer }), count: MANY })
}

const isRecreated = recreations()
const RECREATION_OPTIONS = ['issuer', 'jwksUri', 'onEvent', 'clock']
