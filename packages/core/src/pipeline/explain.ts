import { runTokenChecks } from '../claims/application-checks.ts'
import type { Comparison } from '../claims/registered-claims.ts'
import { checkConfirmation } from '../confirmation/binding.ts'
import { asError, AuthError } from '../errors/auth-error.ts'
import { quote, sentence } from '../errors/quote.ts'
import { checkPadding, ignoredKeysHint, parseJwt } from '../jws/parse.ts'
import { checkAlgorithm, checkSignatureForm, type SignatureVerification, verifyAmong } from '../jws/signature.ts'
import { listKeys } from '../keys/jwk/import-key.ts'
import { MOST_CANDIDATES } from '../keys/jwk/select-key.ts'
import { possibleKeys } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import type { ErrorCode } from '../model/error-code.ts'
import type { ParsedJwt } from '../model/token.ts'
import { own } from '../model/values.ts'
import type { ResolvedPolicy } from './policy.ts'
import { type JwtRules, keyContext, lacksKeys, type TokenContext, verifiedToken, withSchema } from './steps.ts'

/** Why a token is accepted or refused: every step in order. For people and logs; holds no token and no key material. */
export interface Explanation {
  readonly accepted: boolean
  /** The code `verify` would refuse with; absent for an accepted token. */
  readonly code?: ErrorCode
  /** One line that tells the outcome and, for a refusal, what to do about it. */
  readonly summary: string
  readonly steps: readonly ExplanationStep[]
}

/** One step of a verification. */
export interface ExplanationStep {
  /** `parse`, `issuer`, for a padded token `padding`, `algorithm`, `key`, `signature`, then the claims by name, `schema`, `cnf` and the token checks. */
  readonly step: string
  readonly result: 'passed' | 'failed' | 'skipped'
  readonly code?: ErrorCode
  readonly expected?: string
  readonly actual?: string
  readonly hint?: string
}

/**
 * Takes the steps of a verification one by one and goes on after a failure wherever that still tells something: the claims of an
 * expired token or of one with a wrong signature are examined all the same, and trusted no more for it. Never throws.
 */
export async function explainToken<C extends object>(
  token: string,
  rules: JwtRules<C>,
  contextOf: () => TokenContext,
): Promise<Explanation> {
  const story = new Story()
  try {
    await tell(story, token, rules, contextOf)
  } catch (error) {
    story.fail('error', error)
  }
  return story.end()
}

async function tell<C extends object>(
  story: Story,
  token: string,
  rules: JwtRules<C>,
  contextOf: () => TokenContext,
): Promise<void> {
  const context = await story.step(
    'time',
    () => contextOf(),
    ({ now }) => ({ actual: new Date(now * 1000).toISOString() }),
  )
  const parsed = await story.step('parse', () => parseJwt(token, rules.limits), describeParsed)
  const policy = parsed && (await selectPolicy(story, parsed, rules))
  if (parsed?.padded !== undefined && policy !== undefined)
    await story.step(
      'padding',
      () => checkPadding(parsed, policy.padding),
      () => ({ expected: 'exact padding', actual: 'exact padding' }),
    )
  const algorithm = parsed && policy && (await explainAlgorithm(story, parsed, policy))
  // A foreign issuer must not make anybody fetch keys, not even to explain.
  const trusted = algorithm !== undefined && !story.hasFailed('issuer') && !story.hasFailed('padding')
  const signed =
    parsed &&
    policy &&
    trusted &&
    (await explainSignature(story, parsed, policy, { algorithm, isSignedBy: rules.isSignedBy }))
  if (!parsed || !policy || !context) return story.skip(['algorithm', 'key', 'signature', 'claims'])
  if (!signed) story.skip(['key', 'signature'])

  for (const claimCheck of policy.claimChecks)
    await story.step(
      claimCheck.step,
      () => claimCheck.check(parsed, context),
      () => claimCheck.compare(parsed, context),
      policy.keylessChecks.includes(claimCheck) ? 'keyless' : 'other',
    )
  await story.step(
    'cnf',
    () => checkConfirmation(parsed.claims, context.confirmations),
    (members) => ({ actual: members }),
  )
  if (story.failed) return story.skip(['schema', 'checks'])

  const verified = await story.step(
    'schema',
    async () => {
      const asSigned = verifiedToken(parsed, policy)
      if (rules.schema !== undefined) await withSchema(asSigned, rules.schema)
      return asSigned
    },
    ({ scopes }) => ({
      actual: `scopes ${[...scopes].join(' ') || '(none)'}`,
    }),
  )
  if (verified)
    await story.step(
      'checks',
      () => runTokenChecks(rules.checks, verified),
      () => ({}),
    )
}

function describeParsed({ header }: ParsedJwt): Told {
  const actual = { alg: header.alg, kid: header.kid, typ: header.typ }
  return { expected: 'three well-formed parts', actual, hint: ignoredKeysHint(header) }
}

/** What a step that passed tells. */
interface Told extends Comparison {
  readonly hint?: string | undefined
}

// A wrong issuer need not end the story: where there is only one policy, the rest is compared with that one.
async function selectPolicy<C extends object>(
  story: Story,
  parsed: ParsedJwt,
  { policies }: JwtRules<C>,
): Promise<ResolvedPolicy | undefined> {
  const selected = await story.step(
    'issuer',
    () => policies.select(parsed.claims),
    ({ issuer }) => ({
      expected: issuer ?? 'any issuer',
      actual: parsed.claims.iss,
    }),
  )
  const [only, ...others] = selected ? [selected] : [...policies.known()]
  return others.length === 0 ? only : undefined
}

async function explainAlgorithm(
  story: Story,
  parsed: ParsedJwt,
  policy: ResolvedPolicy,
): Promise<Algorithm | undefined> {
  return story.step(
    'algorithm',
    () => {
      const algorithm = checkAlgorithm(parsed.header, policy.algorithms)
      checkSignatureForm(parsed.signature, algorithm)
      return algorithm
    },
    (algorithm) => ({ expected: policy.algorithms, actual: algorithm }),
  )
}

async function explainSignature(
  story: Story,
  parsed: ParsedJwt,
  policy: ResolvedPolicy,
  { algorithm, isSignedBy }: { readonly algorithm: Algorithm; readonly isSignedBy: SignatureVerification },
): Promise<true | undefined> {
  const { keys } = policy
  const about = keyContext(parsed.claims, policy)
  // Asked afterwards, because a cold key set has been fetched by then.
  const held = (): string | undefined => keys.describe?.()
  // A key source of the application may give no key at all, which the signature fails under.
  const possible = await story.step(
    'key',
    () => possibleKeys(keys, parsed.header, about),
    (found) =>
      found.length === 1
        ? { expected: 'one key that fits', actual: held() }
        : {
            expected: `at most ${MOST_CANDIDATES} keys that fit`,
            actual: held(),
            hint: `The token names no key ID. Keys to try: ${listKeys(found)}`,
          },
  )
  if (possible === undefined) return undefined
  const signer = await story.step(
    'signature',
    () => verifyAmong(parsed, algorithm, { keys, isSignedBy, about, possible }),
    (key) => ({
      expected: possible.length === 1 ? 'a signature by that key' : 'a signature by one of these keys',
      actual: 'verified',
      hint: possible.length === 1 ? undefined : `Signed by the key ${listKeys([key])}`,
    }),
  )
  return signer && true
}

/** What a keyless step finds is the reason for the refusal also where the keys cannot be had. */
type StepKind = 'keyless' | 'other'

/** Collects steps. */
class Story {
  readonly #steps: ExplanationStep[] = []
  #refusal: Error | undefined

  get failed(): boolean {
    return this.#steps.some(({ result }) => result === 'failed')
  }

  hasFailed(name: string): boolean {
    return this.#steps.some(({ step, result }) => step === name && result === 'failed')
  }

  async step<T>(
    name: string,
    take: () => T | Promise<T>,
    toldBy: (taken: T) => Told,
    kind: StepKind = 'other',
  ): Promise<T | undefined> {
    try {
      const taken = await take()
      this.#steps.push({ step: sentence(name), result: 'passed', ...quoted(toldBy(taken)) })
      return taken
    } catch (error) {
      this.fail(name, error, kind)
      return undefined
    }
  }

  fail(name: string, thrown: unknown, kind: StepKind = 'other'): void {
    // A hook may throw undefined, which must not pass for "nothing was refused".
    const error = asError(thrown)
    if (kind === 'keyless' && lacksKeys(this.#refusal)) this.#refusal = error
    this.#refusal ??= error
    if (!(error instanceof AuthError)) {
      this.#steps.push({ step: sentence(name), result: 'failed', actual: 'an unexpected error', hint: describe(error) })
      return
    }
    const { code, expected, actual, hint } = error
    this.#steps.push({
      step: sentence(name),
      result: 'failed',
      code,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
      ...(hint === undefined ? {} : { hint }),
    })
  }

  skip(names: readonly string[]): void {
    for (const name of names)
      if (this.#steps.every(({ step }) => step !== name)) this.#steps.push({ step: name, result: 'skipped' })
  }

  end(): Explanation {
    const steps = Object.freeze([...this.#steps])
    if (this.#refusal === undefined) return { accepted: true, summary: 'Accepted: every step passed', steps }
    const error = this.#refusal
    return error instanceof AuthError
      ? { accepted: false, code: error.code, summary: `Refused (${error.code}): ${error.message}`, steps }
      : { accepted: false, summary: `Refused: ${describe(error)}`, steps }
  }
}

function quoted(told: Told): { expected?: string; actual?: string; hint?: string } {
  const expected = own(told, 'expected')
  const actual = own(told, 'actual')
  const hint = own(told, 'hint')
  return {
    ...(expected === undefined ? {} : { expected: quote(expected) }),
    ...(actual === undefined ? {} : { actual: quote(actual) }),
    ...(hint === undefined ? {} : { hint }),
  }
}

function describe(error: Error): string {
  return quote(error.message)
}
