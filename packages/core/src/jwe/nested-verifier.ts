import {
  asError,
  AuthError,
  callback,
  checkOptions,
  emit,
  type EventListener,
  type Explanation,
  type ExplanationStep,
  ignoredKeysHint,
  knownOptions,
  MAXIMUM_LIMITS,
  misconfigured,
  objectWith,
  oneOf,
  type OptionRules,
  optionsOf,
  quote,
  type VerifiedToken,
  type Verifier,
} from '../extend.ts'
import { type DecryptionOptions, jweDecrypter } from './decrypt.ts'
import { firstDots, type JweHeader } from './parse.ts'

/** How to verify encrypted tokens. */
export interface NestedVerifierOptions<C extends object = object> {
  /** Verifies the signed JWT inside: issuer, audience, signature, claims and checks are all its own. */
  readonly verifier: Verifier<C>
  /** What tokens are decrypted with. */
  readonly decryption: DecryptionOptions
  /** `either` takes signed tokens that are not encrypted as well. @defaultValue 'encrypted' */
  readonly accept?: 'encrypted' | 'either'
  /**
   * Told of tokens that are refused before `verifier` sees anything of them, which tells its own hook of all others: with the same hook
   * in both, every token is told once. What it throws is ignored. @defaultValue nobody
   */
  readonly onEvent?: EventListener
}

/**
 * Makes a verifier of nested tokens, signed and then encrypted (RFC 7519 sections 5.2 and 11.2): decrypts the token, and passes the JWT
 * inside through the whole of `verifier`. Use it wherever a verifier goes: in an authenticator, an adapter, a gate.
 *
 * - `cty` must be `JWT`, in any case. Bare claims, an unsigned JWT and a second layer of encryption are refused.
 * - Encryption is no proof of anything: everybody can encrypt to a public key. The signature inside is what counts, and claims that the
 *   encrypted token's header repeats (RFC 7519 section 5.3) count for nothing.
 * - The verified token has the claims and the header of the JWT inside. Its `token` is the encrypted one, as received: that is what a proof
 *   of possession is about, and what may be passed on or logged by mistake without giving away what was encrypted. Token checks of
 *   `verifier` run before, and see the JWT inside.
 * - `ready` and `close` are passed on to `verifier`.
 *
 * @throws TypeError for wrong options
 */
export function createNestedVerifier<C extends object = object>(options: NestedVerifierOptions<C>): Verifier<C> {
  const { verifier, decryption, accept = 'encrypted', onEvent } = resolveOptions(options)
  const decrypter = jweDecrypter(ACTION, decryption)
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
      const { jwt } = await open(token).catch((error: unknown) => {
        const known = asError(error)
        if (known instanceof AuthError) emit(onEvent, { type: 'token.rejected', code: known.code })
        throw known
      })
      return asReceived(await verifier.verify(jwt, context), token)
    },
    explain: async (token, context) => {
      if (passesOn(token)) return verifier.explain(token, context)
      const opened: Opened | Explanation = await open(token).catch(undecryptedExplanation)
      if (isExplanation(opened)) return opened
      return decryptedExplanation(opened.header, await verifier.explain(opened.jwt, context))
    },
    ready: async () => {
      await Promise.all([decrypter.ready(), verifier.ready()])
    },
    close: () => verifier.close(),
  }
  nestedVerifiers.add(nested)
  return nested
}

const ACTION = 'create nested verifier'
const RULES: OptionRules = {
  verifier: objectWith('a verifier, which createVerifier makes', 'verify'),
  decryption: optionsOf('an object with "keys"'),
  accept: oneOf('encrypted', 'either'),
  onEvent: callback,
}
const NAMES: readonly string[] = Object.keys(RULES)
const nestedVerifiers = new WeakSet<object>()

interface Opened {
  readonly header: JweHeader
  /** What was encrypted. */
  readonly jwt: string
}

function resolveOptions<C extends object>(given: NestedVerifierOptions<C>): NestedVerifierOptions<C> {
  const options = knownOptions(ACTION, given, NAMES)
  checkOptions(ACTION, options, RULES, { required: ['verifier', 'decryption'] })
  const { verifier } = options
  if (nestedVerifiers.has(verifier))
    throw misconfigured(ACTION, '"verifier" must verify signed tokens, and this one decrypts tokens itself')
  return options
}

function isExplanation(opened: Opened | Explanation): opened is Explanation {
  return Object.hasOwn(opened, 'steps')
}

// Up to what any verifier may take: how long a signed token may be is for its own limits to say.
function isSigned(token: string): boolean {
  return typeof token === 'string' && token.length <= MAXIMUM_LIMITS.tokenLength && firstDots(token).length === 2
}

// RFC 7519 section 5.2 demands this very value of a nested JWT, and media types are compared without regard to case.
function checkContentType({ cty }: JweHeader): void {
  if (cty?.toUpperCase() !== 'JWT')
    throw new AuthError('token_type', {
      expected: 'cty: JWT',
      actual: cty,
      hint: 'Whoever encrypts a signed JWT says so in the header of the encrypted one',
    })
}

// Bare claims may hold any number of dots: whatever has two is for the verifier to refuse.
function checkInside(jwt: string): void {
  const dots = firstDots(jwt).length
  if (dots === 2) return
  throw new AuthError('token_malformed', {
    expected: 'a signed JWT of three parts inside the encrypted token',
    actual: dots === 4 ? 'another encrypted token' : 'something else',
  })
}

function asReceived<C extends object>(verified: VerifiedToken<C>, token: string): VerifiedToken<C> {
  return Object.freeze(Object.defineProperty({ ...verified }, 'token', { value: token, enumerable: false }))
}

/** Why a token was accepted or refused after it could be decrypted: the step before, and those of the verifier. */
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

/** Why a token was refused that the verifier never saw. */
function undecryptedExplanation(thrown: unknown): Explanation {
  const error = asError(thrown)
  const skipped = ['parse', 'issuer', 'algorithm', 'key', 'signature', 'claims'].map((step): ExplanationStep => ({
    step,
    result: 'skipped',
  }))
  if (!(error instanceof AuthError)) {
    const hint = quote(error.message)
    const failed: ExplanationStep = { step: 'decrypt', result: 'failed', actual: 'an unexpected error', hint }
    return { accepted: false, summary: `Refused: ${hint}`, steps: Object.freeze([failed, ...skipped]) }
  }
  const { code, message, expected, actual, hint } = error
  const failed: ExplanationStep = {
    step: 'decrypt',
    result: 'failed',
    code,
    ...(expected !== undefined && { expected }),
    ...(actual !== undefined && { actual }),
    ...(hint !== undefined && { hint }),
  }
  return {
    accepted: false,
    code,
    summary: `Refused (${code}): ${message}`,
    steps: Object.freeze([failed, ...skipped]),
  }
}
