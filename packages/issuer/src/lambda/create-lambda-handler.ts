import { assertSigner } from '../signer/assert-signer.ts'
import type { Signer } from '../signer/signer.ts'
import { signJwt } from '../token/sign-jwt.ts'
import { eventClaims } from './event-claims.ts'
import type { LambdaEvent } from './lambda-event.ts'
import { type LambdaHandlerOptions, resolveLambdaOptions } from './lambda-handler-options.ts'

/** What a Lambda function that issues tokens answers. */
export interface LambdaAnswer {
  /** A signed JWT with `alg`, `typ` and `kid` in its header. */
  readonly token: string
}

/** A Lambda function that issues tokens: it is invoked directly, so whoever may invoke it may have any token signed. */
export type LambdaHandler = (event: LambdaEvent) => Promise<LambdaAnswer>

/**
 * A Lambda function that signs the claims it is given with any {@link Signer}: local, or of a key service. In contrast to
 * `createIssuer` the caller decides about every claim; the options fill in what is absent.
 *
 * It rejects with a `TypeError` where the event is wrong, and that quotes no value of the event. Errors of the signer come
 * through unchanged.
 *
 * @throws TypeError where an option is wrong: it names the option, its rule and what was found.
 */
export const createLambdaHandler = (options: LambdaHandlerOptions): LambdaHandler => {
  const resolved = resolveLambdaOptions(options)
  return async (event) => {
    // Before the signer: a wrong event costs no call to a key service.
    const claims = eventClaims(event, resolved, resolved.clock.now())
    const signer: Signer = await resolved.currentSigner()
    assertSigner(signer)
    const { alg, kid } = signer
    return { token: await signJwt(signer, { alg, typ: resolved.typ, kid }, claims) }
  }
}
