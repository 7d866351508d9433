import type { Requirement } from '../authorization/requirements.ts'
import {
  type Binding,
  type BindingRules,
  bindingsOf,
  type BindingStep,
  translated,
  valueFor,
} from '../confirmation/binding.ts'
import { flawOfRefused } from '../http/credential.ts'
import type { Credential, RequestView, VerifiedToken } from '../model/token.ts'
import { isObject, own } from '../model/values.ts'
import { type Explanation, joined, Report } from '../pipeline/explain.ts'
import type { VerifyContext } from '../pipeline/run-steps.ts'
import type { Verifier } from '../pipeline/verifier.ts'

/** What decides about a request. */
interface RequestRules {
  readonly verifier: Verifier
  readonly context: VerifyContext | undefined
  readonly binding: BindingRules
  readonly requirement: Requirement | undefined
  /** Throws the refusal of a token that does not meet it. */
  readonly granted: (requirement: Requirement, token: VerifiedToken) => unknown
  /** Finds the user, or throws the refusal. `undefined` without `onAuthenticated`. */
  readonly userOf: ((token: VerifiedToken) => Promise<unknown>) | undefined
  /** Throws what refuses a request without a credential. `undefined` if it may be anonymous. */
  readonly credentialOf: () => Promise<Credential | undefined>
}

/**
 * Explains how `authenticate` would decide about a request, without its effects. If the token is refused, it still explains the bindings of
 * the scheme that was used. Never throws.
 */
export async function explainRequest(view: RequestView, rules: RequestRules): Promise<Explanation> {
  const [start, rest] = [new Report(), new Report()]
  const parts: Explanation[] = []
  try {
    const credential = await start.add('credential', () => wellFormed(rules), describe)
    parts.push(start.end())
    if (credential === undefined) return joined(parts)
    const { verifier, context } = rules
    const explanation = await verifier.explain(credential.token, context)
    assertExplanation(explanation)
    parts.push(explanation)
    const verify = () => verifier.verify(credential.token, context)
    const token = explanation.accepted ? await rest.add('token', verify, () => undefined) : undefined
    await explainBindings(rest, rules, { token, view, credential })
    if (rules.requirement !== undefined) await explainRequirement(rest, rules, rules.requirement, token)
    const { userOf } = rules
    if (userOf === undefined) return joined([...parts, rest.end()])
    if (token === undefined || !rest.havePassed('all')) rest.skip('user')
    else
      await rest.add(
        'user',
        () => userOf(token),
        () => ({}),
      )
  } catch (error) {
    rest.fail('error', error)
  }
  return joined([...parts, rest.end()])
}

async function wellFormed({ credentialOf }: RequestRules): Promise<Credential | undefined> {
  const credential = await credentialOf()
  const flaw = flawOfRefused(credential?.token, { code: 'token_malformed' })
  if (flaw !== undefined) throw flaw
  return credential
}

const describe = (credential: Credential | undefined) => ({
  expected: credential === undefined ? 'none is needed' : 'one credential',
  actual: credential?.scheme ?? 'none',
})

interface ExplainedRequest {
  /** `undefined` if it was refused. */
  readonly token: VerifiedToken | undefined
  readonly view: RequestView
  readonly credential: Credential
}

// An application's own verifier may return anything.
function assertExplanation(given: unknown): asserts given is Explanation {
  if (isObject(given) && typeof own(given, 'accepted') === 'boolean' && Array.isArray(own(given, 'steps'))) return
  throw new TypeError('Cannot explain request: "explain" of the verifier must give { accepted, summary, steps }')
}

async function explainRequirement(
  report: Report,
  { granted }: RequestRules,
  ...[requirement, token]: readonly [Requirement, VerifiedToken | undefined]
): Promise<void> {
  if (token === undefined) report.skip('requirement')
  else
    await report.add(
      'requirement',
      () => granted(requirement, token),
      () => ({ expected: requirement.description, actual: token.scopes }),
    )
}

async function explainBindings(report: Report, { binding }: RequestRules, request: ExplainedRequest): Promise<void> {
  const { token, credential } = request
  const { scheme } = credential
  const bound =
    token &&
    (await report.add(
      'binding',
      () => bindingsOf(binding, token.claims, scheme),
      (found) =>
        found.length === 0 ? undefined : { expected: found.map(({ confirmation }) => confirmation), actual: scheme },
    ))
  const ofScheme = [...binding.bindings.values()].filter((each) => each.scheme === scheme)
  for (const each of bound ?? ofScheme.map((known) => known.binding)) {
    const value = token && valueFor(each, token.claims)
    for (const step of stepsOf(each, value, request)) {
      const { name } = step
      const run = own(step, 'run')
      if (run === undefined) report.skip(name, own(step, 'hint'))
      else if (!report.havePassed(own(step, 'needs') ?? [])) report.skip(name)
      else
        await report.add(
          name,
          () => translated(each, () => step.run?.()),
          (finding) => finding,
        )
    }
  }
}

function stepsOf(binding: Binding, value: unknown, request: ExplainedRequest): readonly BindingStep[] {
  const { token, view, credential } = request
  if (own(binding, 'steps') !== undefined) return binding.steps?.(value, view, credential) ?? []
  const name = binding.confirmation
  if (token === undefined) return [{ name }]
  return [{ name, run: () => binding.confirm(value, token, view, credential).then(() => CONFIRMED) }]
}

const CONFIRMED = Object.freeze({ actual: 'confirmed' })
