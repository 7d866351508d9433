import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AuthError } from '../errors/auth-error.ts'
import { bare, own } from '../model/own.ts'
import type { Claims } from '../model/token.ts'

/** A Standard Schema validator whose output is an object: zod, valibot, arktype and others. */
export type ClaimsSchema<C extends object> = StandardSchemaV1<unknown, C>

/**
 * The claims completed by what the schema made of them. Claims the schema does not know stay, so that a requirement about
 * them still sees them; `cnf` stays as it was signed, for what confirms the sender rests on it.
 *
 * Neither what the schema sees nor what it completes has a prototype: a claim that the token lacks is absent, whatever `Object.prototype`
 * holds.
 *
 * @throws AuthError `claims_schema`
 * @throws TypeError for a schema that answers with anything but an object
 */
export async function applySchema<C extends object>(schema: ClaimsSchema<C>, claims: Claims): Promise<C & Claims> {
  // A copy, for some validators transform a claim in its place, which must not change what is checked next.
  const result = await schema['~standard'].validate(copyOf(claims))
  const issues = own(result, 'issues')
  if (issues !== undefined) throw new AuthError('claims_schema', { actual: describeIssues(issues) })
  const value = own(result, 'value')
  if (!isPlainObject(value)) throw new TypeError('The schema of "claims" must answer with an object')
  const { cnf: _, ...completed } = copyOf(value) as Record<string, unknown>
  return bare({ ...claims, ...completed }) as C & Claims
}

/** Whether a value is a Standard Schema validator. */
export function isSchema(value: unknown): value is ClaimsSchema<object> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = own(value, '~standard')
  return typeof standard === 'object' && standard !== null && typeof own(standard, 'validate') === 'function'
}

// Instances of classes, which a schema may put into claims, belong to the application.
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isPlainObject(value)) return value
  return bare(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item)])))
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function describeIssues(issues: unknown): string {
  return Array.isArray(issues) ? issues.slice(0, 3).map(describeIssue).join('; ') : 'not said'
}

// Only where, and what the schema says about it: messages of validators are made by the application.
function describeIssue(issue: StandardSchemaV1.Issue): string {
  const { message } = issue
  const place = own(issue, 'path')
    ?.map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    .join('.')
  return place ? `${place}: ${message}` : message
}
