import {
  asError,
  AuthError,
  callback,
  clockOf,
  type EventListener,
  type Explanation,
  type ExplanationStep,
  type Filled,
  ignoredKeysHint,
  MAXIMUM_LIMITS,
  misconfigured,
  oneOf,
  optionsOf,
  own,
  type OptionTable,
  quote,
  readOptions,
  required,
  timeOf,
  verifiedToken,
  type Verifier,
  wrappedVerifier,
  refusedExplanation,
  reportNotAccepted,
} from '../adapter.ts'
import { type DecryptionOptions, jweDecrypter } from './decrypt.ts'
import { firstDots, type JweHeader } from './parse.ts'

/** Options for `createNestedVerifier`. */
export interface NestedVerifierOptions<C extends object = object> {
  /** Verifies the signed JWT inside. Its options decide issuer, audience, signature, claims and checks. */
  readonly verifier: Verifier<C>
  /** How to decrypt tokens. */
  readonly decryption: DecryptionOptions
  /** `either` also accepts signed tokens that are not encrypted. @defaultValue 'encrypted' */
  readonly accept?: 'encrypted' | 'either'
  /**
   * Called for each token that is refused before it reaches `verifier`, which reports all other tokens to its own `onEvent`. If both have the
   * same function, every token is reported once. Its exceptions are ignored. @defaultValue none
   */
  readonly onEvent?: EventListener
}

/**
 * Creates a verifier of nested tokens, signed and then encrypted (RFC 7519 sections 5.2 and 11.2). It decrypts the token, and `verifier`
 * fully verifies the JWT inside. Use it like any verifier: in an authenticator, an adapter, a gate.
 *
 * - `cty` must be `JWT`, in any case. Bare claims, an unsigned JWT and a second layer of encryption are refused.
 * - Encryption proves nothing, because anyone can encrypt to a public key. Only the signature inside counts. Claims repeated in the
 *   header of the encrypted token (RFC 7519 section 5.3) are ignored.
 * - The verified token has the claims and the header of the JWT inside. Its `token` is the encrypted one, as received: a proof of
 *   possession refers to it, and passing it on or logging it by mistake does not reveal the content. The token checks of `verifier` run
 *   earlier, and see the JWT inside.
 * - `ready` also calls `ready` of `verifier`, and `close` calls its `close`.
 *
 * @throws TypeError for wrong options
 */
export function createNestedVerifier<C extends object = object>(options: NestedVerifierOptions<C>): Verifier<C> {
  const { verifier, decryption, accept, onEvent } = resolveOptions(options)
  const decrypter = jweDecrypter(ACTION, decryption)
  const clock = clockOf(verifier)
  const passesOn = (token: string): boolean => accept === 'either' && isSigned(token)

  const open = async (token: string): Promise<Opened> => {
    const parsed = decrypter.parse(token)
    checkContentType(parsed.header)
    const jwt = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await decrypter.open(parsed))
    checkInside(jwt)
    return { header: parsed.header, jwt }
  }

  const nested: Verifier<C> = {
    verify: async (token, context) => {
      if (passesOn(token)) return verifier.verify(token, context)
      const begun = clock.monotonic()
      const { jwt } = await open(token).catch((error: unknown) => {
        const known = asError(error)
        reportNotAccepted(onEvent, known, clock.monotonic() - begun)
        throw known
      })
      return verifiedToken(token, await verifier.verify(jwt, context))
    },
    explain: async (token, context) => {
      if (passesOn(token)) return verifier.explain(token, context)
      let opened: Opened
      try {
        opened = await open(token)
      } catch (thrown) {
        return undecryptedExplanation(asError(thrown))
      }
      return decryptedExplanation(opened.header, await verifier.explain(opened.jwt, context))
    },
    ready: async () => {
      await Promise.all([decrypter.ready(), verifier.ready()])
    },
    ...(own(verifier, 'status') && { status: () => verifier.status?.() ?? NO_ISSUERS }),
    close: () => verifier.close(),
    now: () => timeOf(verifier) * 1000,
    accepts: () => own(verifier, 'accepts')?.call(verifier) ?? [],
  }
  nestedVerifiers.add(nested)
  return nested
}

const NO_ISSUERS = { ready: true, issuers: [] }
const ACTION = 'create nested verifier'
const NESTED: OptionTable<NestedVerifierOptions> = {
  verifier: required(wrappedVerifier),
  decryption: required(optionsOf('an object with "keys"')),
  accept: { ...oneOf('encrypted', 'either'), default: 'encrypted' },
  onEvent: callback,
}
const nestedVerifiers = new WeakSet<object>()

interface Opened {
  readonly header: JweHeader
  /** The decrypted content. */
  readonly jwt: string
}

function resolveOptions<C extends object>(given: NestedVerifierOptions<C>): Filled<NestedVerifierOptions<C>, 'accept'> {
  const options = readOptions(ACTION, given, NESTED) as Filled<NestedVerifierOptions<C>, 'accept'>
  if (nestedVerifiers.has(options.verifier))
    throw misconfigured(ACTION, '"verifier" must verify signed tokens, and this one decrypts tokens itself')
  return options
}

// Uses the maximum of all limits, because the verifier inside has its own limit for signed tokens.
function isSigned(token: string): boolean {
  return typeof token === 'string' && token.length <= MAXIMUM_LIMITS.tokenLength && firstDots(token).length === 2
}

// RFC 7519 section 5.2 requires exactly this value for a nested JWT. Media types are compared case-insensitively.
function checkContentType({ cty }: JweHeader): void {
  if (cty?.toUpperCase() !== 'JWT')
    throw new AuthError('token_type', {
      expected: 'cty: JWT',
      actual: cty,
      hint: 'A JWE that holds a signed JWT must have cty: "JWT" in its header',
    })
}

// Bare claims may contain any number of dots. If there are exactly two, the verifier inside refuses them.
function checkInside(jwt: string): void {
  const dots = firstDots(jwt).length
  if (dots === 2) return
  throw new AuthError('token_malformed', {
    expected: 'a signed JWT of three parts inside the encrypted token',
    actual: dots === 4 ? 'another encrypted token' : 'something else',
  })
}

/** Explains the result for a token that could be decrypted: the decryption step, then the steps of the verifier. */
function decryptedExplanation(header: JweHeader, explanation: Explanation): Explanation {
  const { alg, enc, kid } = header
  const hint = ignoredKeysHint(header)
  const decrypted: ExplanationStep = {
    step: 'decrypt',
    result: 'passed',
    expected: 'a signed JWT, encrypted',
    actual: quote({ alg, enc, kid }),
    ...(hint !== undefined && { hint }),
  }
  return { ...explanation, steps: Object.freeze([decrypted, ...explanation.steps]) }
}

/** Explains the refusal of a token that never reached the verifier. */
function undecryptedExplanation(error: Error): Explanation {
  return refusedExplanation('decrypt', error, ['parse', 'issuer', 'algorithm', 'key', 'signature', 'claims'])
}
