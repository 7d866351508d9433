import { asError, AuthError } from '../errors/auth-error.ts'
import { checkedFields, type Fields, isHttpToken, isPlainText, NO_FIELDS } from '../model/http-text.ts'
import type { Claims, Credential, RequestView, VerifiedToken } from '../model/token.ts'
import { isObject, own } from '../model/values.ts'
import { isRecord, misconfigured, objectWith, type OptionRule } from '../options/option-rules.ts'

/** Confirms that the sender of a request has the key a token is bound to (RFC 7800). Implement it for DPoP or mTLS. */
export interface Binding {
  /** The member of `cnf` it handles, for example `jkt`. */
  readonly confirmation: string
  /**
   * The authentication scheme its tokens must use, such as `DPoP`. The authenticator then accepts this scheme, and refuses the tokens of
   * the binding in another scheme, and other tokens in this one. @defaultValue any accepted scheme
   */
  readonly scheme?: string
  /** Parameters of the challenge of its scheme, such as `{ algs: 'ES256' }`. @defaultValue none */
  readonly challenge?: Readonly<Record<string, string>>
  /**
   * Throws `AuthError`, such as `binding_failed`, unless the request proves possession. Anything else it throws means that it could not
   * check: status 503. It may return headers for the response to the request.
   */
  confirm(
    value: unknown,
    token: VerifiedToken,
    view: RequestView,
    credential: Credential,
  ): Promise<{ readonly headers?: Fields } | void>
  /**
   * The steps of `confirm` for `explain`, in order. Without them, `explain` calls `confirm`, so a binding whose `confirm` has effects needs them.
   *
   * @param value - `undefined` if the token was refused; the steps that need no value can still report something
   */
  steps?(value: unknown, view: RequestView, credential: Credential): readonly BindingStep[]
}

/** A step of a binding, for `explain`. */
export interface BindingStep {
  readonly name: string
  /** Steps before it that must have passed. Otherwise it is skipped. @defaultValue none */
  readonly needs?: readonly string[]
  /** Returns what was expected and found, or throws as `confirm` does. Has no effects. Absent if `explain` must not try the step. */
  run?(): Promise<BindingFinding> | BindingFinding
  /** Why there is no `run`. */
  readonly hint?: string
}

/** What a step of a binding found. `explain` quotes and shortens `expected` and `actual`. Never a whole token, and no key. */
export interface BindingFinding {
  readonly expected?: unknown
  readonly actual?: unknown
}

/** The bindings of an authenticator. */
export interface BindingRules {
  /** By the member of `cnf`. Without a `scheme`, its tokens may use any accepted scheme. */
  readonly bindings: ReadonlyMap<string, { readonly binding: Binding; readonly scheme: string | undefined }>
  /** The members of `cnf` that have a binding. */
  readonly understood: ReadonlySet<string>
  /** What happens to tokens without `cnf`. */
  readonly unbound: 'accept' | 'refuse'
  /** The accepted schemes by their names in lower case. */
  readonly schemes: ReadonlyMap<string, string>
  /** Parameters of the challenge of each scheme. */
  readonly challenges: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** What each of the option `bindings` must be. */
export const bindingRule: OptionRule = {
  be: 'an object { confirmation, confirm }, with a "scheme" such as "DPoP" and a "challenge" such as { algs: "ES256" } if it has them',
  fits: (given) => {
    if (!objectWith('', 'confirm').fits(given)) return false
    const binding = given as Binding
    const [confirmation, scheme = BEARER, parameters = {}, steps] = MEMBERS.map((name) => own(binding, name))
    const hasSteps = steps === undefined || typeof steps === 'function'
    return typeof confirmation === 'string' && isHttpToken(scheme) && isParameters(parameters) && hasSteps
  },
}

const MEMBERS = ['confirmation', 'scheme', 'challenge', 'steps'] as const

/**
 * Checks the options `bindings` and `unboundTokens`.
 *
 * @throws TypeError
 */
export function resolveBindings(action: string, list: readonly Binding[], unbound: 'accept' | 'refuse'): BindingRules {
  const bindings = new Map<string, { binding: Binding; scheme: string | undefined }>()
  const schemes = new Map([['bearer', BEARER]])
  const challenges = new Map<string, Readonly<Record<string, string>>>([[BEARER, {}]])
  for (const binding of list) {
    if (bindings.has(binding.confirmation))
      throw misconfigured(action, '"bindings" has two for the same member of cnf', binding.confirmation)
    const given = own(binding, 'scheme')
    const name = given ?? BEARER
    const scheme = schemes.get(name.toLowerCase()) ?? name
    bindings.set(binding.confirmation, { binding, scheme: given === undefined ? undefined : scheme })
    schemes.set(name.toLowerCase(), scheme)
    challenges.set(scheme, { ...challenges.get(scheme), ...own(binding, 'challenge') })
  }
  if (unbound === 'refuse' && bindings.size === 0)
    throw misconfigured(action, 'with "unboundTokens", "bindings" must list at least one binding')
  return { bindings, understood: new Set(bindings.keys()), unbound, schemes, challenges }
}

const BEARER = 'Bearer'

/** Whether a value may be added to a challenge: an object of texts that need no quoting, without the parameters that core sets. */
export function isParameters(value: unknown): value is Readonly<Record<string, string>> {
  const fits = ([name, text]: readonly [string, unknown]): boolean =>
    isHttpToken(name) && !OWN_PARAMETERS.includes(name.toLowerCase()) && isPlainText(text)
  if (!isRecord(value) || !Object.entries(value).every(fits)) return false
  // Names are case-insensitive and may occur once (RFC 9110 section 11.2).
  const names = Object.keys(value)
  return new Set(names.map((name) => name.toLowerCase())).size === names.length
}

const OWN_PARAMETERS: readonly string[] = ['realm', 'error', 'error_description', 'scope']

/**
 * Returns the members of the token's `cnf`. Every one must be in `understood`; otherwise the token is refused, because binding fails closed.
 *
 * @throws AuthError `binding_unsupported`
 */
export function checkConfirmation(claims: Claims, understood: ReadonlySet<string>): readonly string[] {
  const cnf: unknown = own(claims, 'cnf')
  if (cnf === undefined) return NONE
  const members = isObject(cnf) && !Array.isArray(cnf) ? Object.keys(cnf) : []
  if (members.length === 0 || members.some((member) => !understood.has(member)))
    throw new AuthError('binding_unsupported', {
      expected: understood.size === 0 ? 'no "cnf" claim' : understood,
      actual: members,
      hint: 'The token is sender-constrained; accepting it as a bearer token would undo that',
    })
  return members
}

const NONE: readonly string[] = []

/** A request with a verified token. */
interface BoundRequest {
  readonly token: VerifiedToken
  readonly view: RequestView
  readonly credential: Credential
}

/**
 * The bindings of a token, in the order of its `cnf`. It must have come in the scheme of its bindings.
 *
 * @throws AuthError `binding_missing`, `binding_failed`, `binding_unsupported`
 */
export function bindingsOf(rules: BindingRules, claims: Claims, scheme: string): readonly Binding[] {
  const bound = checkConfirmation(claims, rules.understood).flatMap((member) => rules.bindings.get(member) ?? [])
  // A plain token in the scheme of a binding would skip the proof that the scheme promises.
  if (scheme !== BEARER && bound.every((each) => each.scheme !== scheme))
    throw missing(`a token for the scheme ${scheme}`)
  if (bound.length === 0 && rules.unbound === 'refuse') throw missing('a token with "cnf"')
  const other = bound.find((each) => each.scheme !== undefined && each.scheme !== scheme)
  if (other !== undefined)
    throw new AuthError('binding_failed', { expected: `the scheme ${other.scheme}`, actual: scheme })
  return bound.map(({ binding }) => binding)
}

/**
 * Confirms every binding of the token, and that the token came in the scheme of its bindings.
 *
 * @param add - receives the headers for the response as far as there are any, also if a later binding refuses
 * @throws AuthError `binding_missing`, `binding_failed`, `binding_unsupported`, `check_unavailable`, or one that a binding threw
 */
export async function confirmBindings(
  rules: BindingRules,
  request: BoundRequest,
  add: (headers: Fields) => void,
): Promise<void> {
  const { token, view, credential } = request
  let headers = NO_FIELDS
  for (const binding of bindingsOf(rules, token.claims, credential.scheme)) {
    const answer: unknown = await translated(binding, () =>
      binding.confirm(valueFor(binding, token.claims), token, view, credential),
    )
    if (answer === undefined) continue
    if (!isRecord(answer) || Object.keys(answer).some((name) => name !== 'headers'))
      throw new TypeError('A binding refuses by throwing, and answers with nothing or { headers }')
    const added: unknown = own(answer, 'headers')
    if (added === undefined) continue
    headers = checkedFields({ ...headers, ...checkedFields(added, 'A binding') }, 'A binding')
    add(headers)
  }
}

/** What the `cnf` of a token has for a binding. */
export function valueFor({ confirmation }: Binding, claims: Claims): unknown {
  const cnf = own(claims, 'cnf')
  return cnf === undefined ? undefined : own(cnf, confirmation)
}

function missing(expected: string): AuthError {
  return new AuthError('binding_missing', { expected })
}

/** What a binding answers. @throws AuthError that it threw, or `check_unavailable` for anything else */
export async function translated<T>({ confirmation }: Binding, ask: () => T): Promise<Awaited<T>> {
  try {
    return await ask()
  } catch (thrown) {
    const cause = asError(thrown)
    if (cause instanceof AuthError) throw cause
    throw new AuthError('check_unavailable', { actual: `the binding ${confirmation}`, cause })
  }
}
