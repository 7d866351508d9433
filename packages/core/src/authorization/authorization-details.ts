import type { StandardSchemaV1 } from '@standard-schema/spec'
import { encode } from 'jose/base64url'
import type { VerifiedToken } from '../model/token.ts'
import { chained, ignoreRejection, own, type Soon, valueAt } from '../model/values.ts'
import {
  callback,
  isRecord,
  listOf,
  misconfigured,
  narrowing,
  type OptionTable,
  required,
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
   * Whether the detail covers the request. Only `true` does: everything else refuses, promises and exceptions included. Amounts are text in
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
  const texts = narrowing(listOf('a list of texts, such as ["initiate"]', text))
  return {
    type: required({ be: 'the type of the details, such as "payment"', fits: isText }),
    actions: texts,
    locations: texts,
    datatypes: texts,
    privileges: texts,
    identifier: narrowing(text),
    schema: narrowing({ be: 'a Standard Schema validator, for example of zod, valibot or arktype', fits: isSchema }),
    covers: narrowing(callback),
    remediation: narrowing({
      be: 'a list of details to request, such as [{ type: "payment" }]',
      fits: (value) =>
        Array.isArray(value) && value.length > 0 && value.every((one) => isRecord(one) && isText(own(one, 'type'))),
    }),
  }
})()

function isSchema(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  const standard: unknown = isObject ? own(value, '~standard') : undefined
  return typeof standard === 'object' && standard !== null && typeof own(standard, 'validate') === 'function'
}

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
  const description = [`authorization details of type ${type}`, ...named].join(', ')
  return Object.freeze<Requirement>({
    description,
    documentation: description,
    scopes: Object.freeze([]),
    isMet: (token) =>
      isCovered(
        detailsOf(token).filter((detail) => matches(detail, rules)),
        rules,
      ),
    found: (token) => ({ authorization_details: typesOf(token, rules) }),
    ...(remediation && { refusal: refusalFor(remediation) }),
  })
}

function detailsOf({ claims }: VerifiedToken): readonly object[] {
  const details = valueAt(claims, 'authorization_details')
  const list: readonly unknown[] = Array.isArray(details) ? details : []
  return list.filter(
    (detail): detail is object => typeof detail === 'object' && detail !== null && !Array.isArray(detail),
  )
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

/** Whether one of the details covers the request. In order, and a schema may answer with a promise. */
function isCovered([detail, ...others]: readonly object[], rules: AuthorizationDetailsOptions): Soon<boolean> {
  if (detail === undefined) return false
  return chained(covers(detail, rules), (covered) => covered || isCovered(others, rules))
}

function covers(detail: object, { schema, covers: predicate }: AuthorizationDetailsOptions): Soon<boolean> {
  const decide = (value: unknown): boolean => {
    if (predicate === undefined) return true
    const answer: unknown = predicate(value as AuthorizationDetail)
    ignoreRejection(answer)
    return answer === true
  }
  const refuse = (): boolean => false
  try {
    if (schema === undefined) return decide(detail)
    const validated = chained(schema['~standard'].validate(detail), (result) => isValid(result) && decide(result.value))
    return typeof validated === 'boolean' ? validated : validated.catch(refuse)
  } catch {
    return refuse()
  }
}

function isValid(result: unknown): result is { readonly value: unknown } {
  return typeof result === 'object' && result !== null && !own(result, 'issues') && Object.hasOwn(result, 'value')
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
