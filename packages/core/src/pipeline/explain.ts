import { asError, AuthError, orThrow } from '../errors/auth-error.ts'
import { quote, sentence } from '../errors/quote.ts'
import type { ErrorCode } from '../model/catalogue.ts'
import { own } from '../model/values.ts'
import type { PolicyRegistry } from './policy-registry.ts'
import { initialState, isKeysUnavailable } from './run-steps.ts'
import type { Step, StepDetails, TokenContext, Verification } from './steps.ts'

/** Why a token is accepted or refused: every step in order. For people and logs; contains no token and no key material. */
export interface Explanation {
  readonly accepted: boolean
  /** The code `verify` would refuse with. Absent if the token is accepted. */
  readonly code?: ErrorCode
  /** One line with the outcome and, if the token is refused, what to do about it. */
  readonly summary: string
  readonly steps: readonly ExplanationStep[]
}

/** One step of a verification. */
export interface ExplanationStep {
  /**
   * `parse`, `issuer`, `padding` (padded tokens only), `algorithm`, `key`, `signature`, claim names, `cnf`, `schema` and the token checks. Of a
   * request also `credential`, `binding`, the steps of its bindings, such as `proof.htu`, and `requirement`.
   */
  readonly step: string
  readonly result: 'passed' | 'failed' | 'skipped'
  readonly code?: ErrorCode
  readonly expected?: string
  readonly actual?: string
  readonly hint?: string
}

/** What an explanation is built from. */
interface ExplainOptions<C extends object> {
  readonly steps: readonly Step<C>[]
  readonly policies: PolicyRegistry
  readonly contextOf: () => TokenContext
}

/**
 * Runs the steps one by one, and continues after a failure if later steps are still useful: the claims of a token that is expired or has a
 * wrong signature are still examined, but not trusted. Never throws.
 */
export async function explainToken<C extends object>(token: string, options: ExplainOptions<C>): Promise<Explanation> {
  const report = new Report()
  try {
    await explainSteps(token, options, report)
  } catch (error) {
    report.fail('error', error)
  }
  return report.end()
}

async function explainSteps<C extends object>(
  token: string,
  { steps, policies, contextOf }: ExplainOptions<C>,
  report: Report,
): Promise<void> {
  const context = await report.add('time', contextOf, ({ now }) => ({ actual: new Date(now * 1000).toISOString() }))
  const state = initialState<C>(token, context)
  for (const step of steps) {
    // These two steps find the policy; all others read it.
    const findsPolicy = step.name === 'parse' || step.name === 'issuer'
    const lacksPolicy = !findsPolicy && !hasPolicy(state, policies)
    if (lacksPolicy || !report.havePassed(step.needs)) report.skip(step.name)
    else if (step.name === 'claims') await explainClaims(state, report)
    else
      await report.add(
        step.name,
        () => orThrow(step.run?.(state)),
        () => step.describe(state),
      )
  }
}

// With only one policy, the explanation continues after a wrong issuer and uses that policy. Policies of a function are of other issuers.
function hasPolicy<C extends object>(state: Verification<C>, policies: PolicyRegistry): boolean {
  const { policy }: Partial<Verification<C>> = state
  if (policy !== undefined) return true
  const [only, ...others] = policies.areFixed ? policies.known() : []
  if (only === undefined || others.length > 0) return false
  state.policy = only
  return true
}

async function explainClaims<C extends object>(state: Verification<C>, report: Report): Promise<void> {
  const { subject, context, policy } = state
  for (const claimCheck of policy.claimChecks)
    for (const part of Object.hasOwn(claimCheck, 'parts') ? (claimCheck.parts ?? []) : [claimCheck])
      await report.add(
        part.step,
        () => part.check(subject, context),
        () => part.compare(subject, context),
        policy.keylessChecks.includes(claimCheck) ? 'keyless' : 'other',
      )
}

/** A failed keyless check is the reason for the refusal, even if the keys are unavailable. */
type StepKind = 'keyless' | 'other'

/** Several explanations as one: that of a request consists of those of its credential, its token, its bindings and its requirement. */
export function joined(parts: readonly Explanation[]): Explanation {
  const steps = Object.freeze(parts.flatMap((part) => part.steps))
  const refused = parts.find(({ accepted }) => !accepted)
  const summary = steps.some(({ result }) => result === 'skipped')
    ? 'Accepted: every step that was tried passed'
    : 'Accepted: every step passed'
  return refused === undefined ? { accepted: true, summary, steps } : { ...refused, steps }
}

/** Explains a refusal by one step, which came before these other steps. */
export function refusedExplanation(step: string, thrown: unknown, skipped: readonly string[]): Explanation {
  const report = new Report()
  report.fail(step, thrown)
  const explanation = report.end()
  const others = skipped.map((name): ExplanationStep => ({ step: name, result: 'skipped' }))
  return { ...explanation, steps: Object.freeze([...explanation.steps, ...others]) }
}

/** Collects the results of the steps. */
export class Report {
  readonly #steps: ExplanationStep[] = []
  readonly #failed = new Set<string>()
  readonly #skipped = new Set<string>()
  #refusal: Error | undefined

  /** Whether none of the steps has failed or was skipped. `'all'` stands for every step. */
  havePassed(names: readonly string[] | 'all'): boolean {
    if (names === 'all') return this.#failed.size === 0 && this.#skipped.size === 0
    return names.every((name) => !this.#failed.has(name) && !this.#skipped.has(name))
  }

  async add<T>(
    name: string,
    run: () => T | Promise<T>,
    describe: (value: T) => StepDetails | undefined,
    kind: StepKind = 'other',
  ): Promise<T | undefined> {
    try {
      const value = await run()
      const details = describe(value)
      if (details !== undefined) this.#steps.push({ step: sentence(name), result: 'passed', ...quoted(details) })
      return value
    } catch (error) {
      this.fail(name, error, kind)
      return undefined
    }
  }

  fail(name: string, thrown: unknown, kind: StepKind = 'other'): void {
    // A hook may throw undefined, which must still count as a refusal.
    const error = asError(thrown)
    if (
      this.#refusal === undefined ||
      (kind === 'keyless' && isKeysUnavailable(this.#refusal) && this.havePassed(['issuer']))
    )
      this.#refusal = error
    this.#failed.add(name)
    if (error instanceof AuthError) {
      const { code } = error
      this.#steps.push({ step: sentence(name), result: 'failed', code, ...present(error) })
    } else {
      const hint = quote(error.message)
      this.#steps.push({ step: sentence(name), result: 'failed', actual: 'an unexpected error', hint })
    }
  }

  skip(name: string, hint?: string): void {
    // Claims were skipped, so later steps have nothing to report.
    const isListed = !UNLISTED.has(name) && !this.#skipped.has('claims')
    this.#skipped.add(name)
    if (isListed) this.#steps.push({ step: name, result: 'skipped', ...(hint !== undefined && { hint }) })
  }

  end(): Explanation {
    const steps = Object.freeze([...this.#steps])
    const error = this.#refusal
    if (error === undefined) return { accepted: true, summary: 'Accepted: every step passed', steps }
    return error instanceof AuthError
      ? { accepted: false, code: error.code, summary: `Refused (${error.code}): ${error.message}`, steps }
      : { accepted: false, summary: `Refused: ${quote(error.message)}`, steps }
  }
}

const UNLISTED: ReadonlySet<string> = new Set(['issuer', 'padding', 'cnf'])

function quoted(details: StepDetails): ReturnType<typeof present> {
  const [expected, actual] = [own(details, 'expected'), own(details, 'actual')]
  return present({
    expected: expected === undefined ? undefined : quote(expected),
    actual: actual === undefined ? undefined : quote(actual),
    hint: own(details, 'hint'),
  })
}

function present({
  expected,
  actual,
  hint,
}: Readonly<Record<'expected' | 'actual' | 'hint', string | undefined>>): Pick<
  ExplanationStep,
  'expected' | 'actual' | 'hint'
> {
  return Object.fromEntries(Object.entries({ expected, actual, hint }).filter(([, text]) => text !== undefined))
}
