import type { StandardSchemaV1 } from '@standard-schema/spec'
import { encode } from 'jose/base64url'
import { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'
import { chained, ignoreRejection, isObject, own, type Soon, valueAt } from '../model/values.ts'
import {
  callback,
  isRecord,
  listOf,
  misconfigured,
  narrowing,
  type OptionTable,
  required,
  schemaValidator,
} from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import type { Requirement } from './requirements.ts'

/** One authorization detail (RFC 9396 section 2). Members besides `type` are as the authorization server wrote them: check their types. */
export interface AuthorizationDetail {
  readonly type: string
  readonly [member: string]: unknown
}

/** Which authorization detail a token must have. */
export interface AuthorizationDetailsOptions<D extends object = AuthorizationDetail> {
  /** The `type`, exact. */
  readonly type: string
  /** Values that the `actions` of the detail must all contain. A detail without `actions` does not. @defaultValue not compared */
  readonly actions?: readonly string[]
  /** Values that its `locations` must all contain. @defaultValue not compared */
  readonly locations?: readonly string[]
  /** Values that its `datatypes` must all contain. @defaultValue not compared */
  readonly datatypes?: readonly string[]
  /** Values that its `privileges` must all contain. @defaultValue not compared */
  readonly privileges?: readonly string[]
  /** Its `identifier`, exact. @defaultValue not compared */
  readonly identifier?: string
  /** A Standard Schema validator for the detail. `covers` receives its output. A detail that it rejects grants nothing. @defaultValue none */
  readonly schema?: StandardSchemaV1<unknown, D>
  /**
   * Returns whether the detail covers the request. Anything but `true` grants nothing, including promises and exceptions. Amounts are text in
   * RFC 9396, so parse them before you compare. @defaultValue every detail that matches
   */
  readonly covers?: (detail: D) => boolean
  /**
   * The details that the client should request. The answer is then 401 `insufficient_authorization`, with them as `authorization_remediation`
   * (draft-ietf-oauth-rar-metadata-remediation). Everyone with a token can read them. @defaultValue none: 403 `insufficient_scope`
   */
  readonly remediation?: readonly AuthorizationDetail[]
}

const LISTS = ['actions', 'locations', 'datatypes', 'privileges'] as const
const ACTION = 'require authorization details'
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const AUTHORIZATION_DETAILS: OptionTable<AuthorizationDetailsOptions> = /* @__PURE__ */ (() => {
  const text = { be: 'text that is not empty', fits: isText }
  const texts = narrowing(listOf('a list of strings, such as ["initiate"]', text))
  return {
    type: required({ be: 'the type of the details, such as "payment"', fits: isText }),
    actions: texts,
    locations: texts,
    datatypes: texts,
    privileges: texts,
    identifier: narrowing(text),
    schema: narrowing(schemaValidator),
    covers: narrowing(callback),
    remediation: narrowing({
      be: 'a list of details to request, such as [{ type: "payment" }]',
      fits: (value) =>
        Array.isArray(value) && value.length > 0 && value.every((one) => isRecord(one) && isText(own(one, 'type'))),
    }),
  }
})()

/**
 * The token must have an authorization detail (RFC 9396) of this type that matches all options: one detail, not several together. Details are
 * read from the claim `authorization_details`, of a JWT or of an introspection answer. A detail of another type, or with malformed members,
 * grants nothing. Members that you do not name are not compared, so check in `covers` what else limits a detail.
 *
 * @throws TypeError for options that are missing or wrong
 */
export function authorizationDetails<D extends object = AuthorizationDetail>(
  options: AuthorizationDetailsOptions<D>,
): Requirement {
  const rules = readOptions(ACTION, options, AUTHORIZATION_DETAILS, {
    form: 'give an object, such as { type: "payment" }',
  }) as AuthorizationDetailsOptions
  for (const name of LISTS) if (rules[name]?.length === 0) throw misconfigured(ACTION, `"${name}" must not be empty`)
  const { type, remediation } = rules
  const named = LISTS.flatMap((name) => (rules[name] === undefined ? [] : `${name} ${rules[name].join(' and ')}`))
  const refusal = remediation && refusalFor(remediation)
  const description = [`authorization details of type ${type}`, ...named].join(', ')
  return Object.freeze<Requirement>({
    description,
    documentation: description,
    scopes: Object.freeze([]),
    isMet: (token) => {
      const matching = detailsOf(token).filter((detail) => matches(detail, rules))
      return chained(judged(matching, rules), (judgement) => {
        if (judgement !== 'undecided') return judgement === 'covered'
        // Not false, which `not` would turn into a permission.
        throw new AuthError('requirement_not_met', { expected: description, actual: UNDECIDED, refusal })
      })
    },
    found: (token) => ({ authorization_details: typesOf(token, rules) }),
    ...(refusal && { refusal }),
  })
}

// An element that is no object has no members, so it matches nothing.
function detailsOf({ claims }: VerifiedToken): readonly object[] {
  const details = valueAt(claims, 'authorization_details')
  return Array.isArray(details) ? (details as readonly object[]) : []
}

function matches(detail: object, rules: AuthorizationDetailsOptions): boolean {
  if (valueAt(detail, 'type') !== rules.type) return false
  if (rules.identifier !== undefined && valueAt(detail, 'identifier') !== rules.identifier) return false
  return LISTS.every((name) => rules[name] === undefined || hasAll(valueAt(detail, name), rules[name]))
}

function hasAll(value: unknown, all: readonly string[]): boolean {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string') && all.every((one) => value.includes(one))
  )
}

type Judgement = 'covered' | 'not covered' | 'undecided'
const UNDECIDED = 'a "covers" or a "schema" that failed, or did not answer with true or false'

/** Whether one of the details covers the request: one after the other, because a schema may answer with a promise. */
function judged([detail, ...others]: readonly object[], rules: AuthorizationDetailsOptions): Soon<Judgement> {
  if (detail === undefined) return 'not covered'
  return chained(judgedOne(detail, rules), (judgement) => {
    if (judgement === 'covered') return judgement
    return chained(judged(others, rules), (rest) => (rest === 'not covered' ? judgement : rest))
  })
}

function judgedOne(detail: object, { schema, covers }: AuthorizationDetailsOptions): Soon<Judgement> {
  const decide = (value: unknown): Judgement => {
    const answer: unknown = covers === undefined || covers(value as AuthorizationDetail)
    ignoreRejection(answer)
    if (answer === true) return 'covered'
    return answer === false ? 'not covered' : 'undecided'
  }
  const undecided = (): Judgement => 'undecided'
  try {
    if (schema === undefined) return decide(detail)
    const judgement = chained(schema['~standard'].validate(detail), (result): Judgement => {
      if (isValid(result)) return decide(result.value)
      return isRejection(result) ? 'not covered' : 'undecided'
    })
    return typeof judgement === 'string' ? judgement : judgement.catch(undecided)
  } catch {
    return undecided()
  }
}

function isRejection(result: unknown): boolean {
  return isObject(result) && Array.isArray(own(result, 'issues'))
}

function isValid(result: unknown): result is { readonly value: unknown } {
  return isObject(result) && !own(result, 'issues') && Object.hasOwn(result, 'value')
}

/** For the log: the types of the token, and whether one of them matched but did not cover the request. */
function typesOf(token: VerifiedToken, rules: AuthorizationDetailsOptions): readonly string[] {
  return detailsOf(token).map((detail) => {
    const type = valueAt(detail, 'type')
    const text = typeof type === 'string' ? type : 'no type'
    return matches(detail, rules) ? `${text}, which does not cover the request` : text
  })
}

function refusalFor(details: readonly AuthorizationDetail[]): NonNullable<Requirement['refusal']> {
  const json = JSON.stringify({ authorization_details: details })
  return Object.freeze<NonNullable<Requirement['refusal']>>({
    status: 401,
    error: 'insufficient_authorization',
    parameters: Object.freeze({ authorization_remediation: encode(new TextEncoder().encode(json)) }),
  })
}
