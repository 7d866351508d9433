import { emit } from '../model/events.ts'
import { MANY, recreations } from '../model/memory.ts'
import type { VerifiedToken } from '../model/token.ts'
import { ownOptions } from '../model/values.ts'
import { type IssuerPolicy, resolveClock, type SharedOptions, type VerifierOptions } from './options.ts'
import { createVerifier, type Verifier } from './verifier.ts'

const verifiers = new WeakMap<object, Verifier<object>>()

/**
 * Verifies one token. Reuse the options object: each one has its own verifier, whose keys live as long as the object. A new object on every
 * call fetches keys every time, and a `verifier.recreated` event reports it.
 *
 * @throws AuthError with status 401 if the token is refused, and 503 if keys or a check are unavailable
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
  reportRecreation(options)
  return verifier.verify(token)
}

// Counted per issuer and key address, so two issuers that share an address count separately.
function reportRecreation(given: VerifierOptions): void {
  const { issuer, jwksUri, onEvent, clock } = ownOptions<Partial<IssuerPolicy & SharedOptions>>(
    given,
    RECREATION_OPTIONS,
  )
  if (onEvent === undefined) return
  const name = `${issuer ?? ''} ${String(jwksUri ?? '')}`
  if (!isRecreated(name, resolveClock('create verifier', clock).monotonic())) return
  emit(onEvent, { type: 'verifier.recreated', ...(typeof issuer === 'string' && { issuer }), count: MANY })
}

const isRecreated = /* @__PURE__ */ recreations()
const RECREATION_OPTIONS = ['issuer', 'jwksUri', 'onEvent', 'clock']
