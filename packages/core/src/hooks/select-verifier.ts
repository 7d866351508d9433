import {
  answerOf,
  AuthError,
  b64TokenFlaw,
  bare,
  callback,
  type Clock,
  clockOption,
  isOptions,
  misconfigured,
  objectWith,
  type OptionTable,
  own,
  readOptions,
  refusedExplanation,
  type RequestView,
  required,
  type Verifier,
  verifiesJwts,
  type VerifiedToken,
  type VerifyContext,
} from '../adapter.ts'

/** Chooses a verifier for a request: returns the name of a registered verifier, or that verifier itself. `undefined` if none is for it. */
export type Select = (view: RequestView) => SelectedVerifier | Promise<SelectedVerifier>

type SelectedVerifier = string | Verifier | undefined

/** Several verifiers, and how a request chooses one of them. */
export interface SelectVerifierOptions {
  /** The verifiers by name, made at start-up. No request adds another one. */
  readonly verifiers: Readonly<Record<string, Verifier>>
  /**
   * Chooses by the request, which is not authenticated yet: by a header, the host or the path. Called only for requests with a token. A name
   * that is not registered, and `undefined`, refuse with 401 `verifier_unknown`; an `AuthError` it throws refuses with its status. Anything else it
   * returns is an error of the application, status 500; anything else it throws, or no answer within 10 s, is 503.
   */
  readonly select: Select
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** The options of `selectVerifier`. */
export const SELECTION: OptionTable<SelectVerifierOptions> = {
  verifiers: {
    ...required({ be: 'an object such as { acme: createVerifier(…) }', fits: isOptions }),
    read: readVerifiers,
  },
  select: required(callback),
  clock: clockOption,
}

const ACTION = 'select verifier'

/**
 * Combines verifiers into one that depends on the request: `authenticateJwt({ verifier: selectVerifier({ verifiers, select }) })`. It can only
 * choose one of these verifiers, so no request brings a key or an address. If the `iss` of the token is enough to choose, use `issuers` of
 * `createVerifier` instead.
 *
 * Its `ready`, `status`, `close` and `accepts` are those of all verifiers together. Its `verify` needs the `view` of the context, which authenticators pass.
 *
 * @throws TypeError for options that are missing or wrong
 */
export function selectVerifier<C extends object = object>(given: SelectVerifierOptions): Verifier<C> {
  const { verifiers, select, clock } = readOptions(ACTION, given, SELECTION) as ReadOptions
  const all = [...new Set(verifiers.values())]
  const [first] = all

  // The authenticator passes no request when it asks for a fresh answer.
  const verifiedBy = new WeakMap<object, Verifier>()

  const chosenFor = async (token: string, context: VerifyContext | undefined): Promise<Verifier> => {
    const view = context && own(context, 'view')
    if (view === undefined) throw new TypeError(NO_REQUEST)
    const verifier = await chosenBy(view)
    // As the authenticator checks tokens for a verifier that may accept any text.
    const flaw = verifiesJwts(verifier) ? undefined : b64TokenFlaw({ token })
    if (flaw !== undefined) throw flaw
    return verifier
  }

  const chosenBy = async (view: RequestView): Promise<Verifier> => {
    const chosen: unknown = await answerOf('select', clock, () => select(view))
    const verifier = typeof chosen === 'string' ? verifiers.get(chosen) : all.find((one) => one === chosen)
    if (verifier !== undefined) return verifier
    if (chosen === undefined || typeof chosen === 'string')
      throw new AuthError('verifier_unknown', { expected: [...verifiers.keys()], actual: chosen })
    throw misconfigured(ACTION, '"select" must return the name of a registered verifier or that verifier', chosen)
  }

  return Object.freeze(
    bare<Verifier<C>>({
      dependsOnRequest: true,
      verify: async (token, context) => {
        const verifier = await chosenFor(token, context)
        const verified = await verifier.verify(token, context)
        if (Object(verified) === verified) verifiedBy.set(verified, verifier)
        return verified as VerifiedToken<C>
      },
      explain: async (token, context) => {
        try {
          return await (await chosenFor(token, context)).explain(token, context)
        } catch (thrown) {
          return refusedExplanation('verifier', thrown, [])
        }
      },
      ready: async () => {
        await Promise.all(all.map((verifier) => verifier.ready()))
      },
      status: () => {
        const issuers = all.flatMap((verifier) => own(verifier, 'status')?.call(verifier).issuers ?? [])
        return { ready: issuers.every(({ ready }) => ready), issuers }
      },
      close: () => {
        for (const verifier of all) verifier.close()
      },
      now: () => (first && own(first, 'now')?.call(first)) ?? clock.now(),
      accepts: () => all.flatMap((verifier) => own(verifier, 'accepts')?.call(verifier) ?? []),
      ...(all.every((verifier) => typeof own(verifier, 'verifyFresh') === 'function') && {
        verifyFresh: async (token: VerifiedToken<C>, context?: VerifyContext) => {
          const verifier = verifiedBy.get(token)
          const fresh = await verifier?.verifyFresh?.(token, context)
          if (verifier === undefined || fresh === undefined)
            throw new TypeError('Cannot ask again: the token is of another verifier')
          verifiedBy.set(fresh, verifier)
          return fresh as VerifiedToken<C>
        },
      }),
    }),
  )
}

interface ReadOptions {
  readonly verifiers: ReadonlyMap<string, Verifier>
  readonly select: Select
  readonly clock: Clock
}

const NO_REQUEST =
  'Cannot verify token: the verifier depends on the request, so give it to an authenticator or an adapter'

const isVerifier = objectWith('', 'verify', 'explain', 'ready', 'close')

function readVerifiers(action: string, given: object, name: string): ReadonlyMap<string, Verifier> {
  const verifiers = new Map(Object.entries(given) as [string, unknown][])
  if (verifiers.size === 0) throw misconfigured(action, `"${name}" must have at least one verifier`)
  for (const [key, verifier] of verifiers) {
    if (!isVerifier.fits(verifier))
      throw misconfigured(action, `"${name}.${key}" must be a verifier, which createVerifier makes`, verifier)
    if (own(verifier as Verifier, 'dependsOnRequest') === true)
      throw misconfigured(action, `"${name}.${key}" already depends on the request: list its verifiers here instead`)
  }
  return verifiers as ReadonlyMap<string, Verifier>
}
