import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AuthError } from '../errors/auth-error.ts'
import {
  type ClaimCondition,
  type ClaimPath,
  copyCondition,
  copyPath,
  meetsCondition,
  nameOfPath,
} from '../model/claim-path.ts'
import type { Claims } from '../model/token.ts'
import { bare, own, valueAt } from '../model/values.ts'
import { isRecord } from '../options/option-rules.ts'
import { type ClaimCheck, clientNamedIn } from './claim-checks.ts'

/** Requires a claim with any value. `null` counts as absent. */
export function presentClaim(path: ClaimPath): ClaimCheck {
  const fixed = copyPath(path)
  return {
    step: nameOfPath(fixed),
    dependsOn: 'token',
    check: ({ claims }) => void present(claims, fixed),
    compare: () => ({ expected: 'present', actual: 'present' }),
  }
}

/** Requires a claim with an accepted value. */
export function requiredClaim(path: ClaimPath, condition: ClaimCondition): ClaimCheck {
  const fixedPath = copyPath(path)
  const fixed = copyCondition(condition)
  const step = nameOfPath(fixedPath)
  const isPredicate = typeof condition === 'function'
  const expected = isPredicate ? `${step}: a value its predicate accepts` : fixed
  return {
    step,
    dependsOn: isPredicate ? 'application' : 'token',
    check: ({ claims }) => {
      const actual = present(claims, fixedPath)
      if (!meetsCondition(actual, fixed))
        throw new AuthError('claim_mismatch', {
          expected,
          actual,
          hint: isPredicate ? undefined : `The claim is "${step}"`,
        })
    },
    compare: ({ claims }) => ({ expected, actual: valueAt(claims, fixedPath) }),
  }
}

function present(claims: Claims, path: ClaimPath): unknown {
  const value = valueAt(claims, path) ?? undefined
  if (value !== undefined) return value
  const other = path === 'client_id' ? clientNamedIn(claims) : undefined
  throw new AuthError('claim_missing', {
    expected: nameOfPath(path),
    actual: undefined,
    hint: other && `This issuer names the client in "${other}"`,
  })
}

/** A Standard Schema validator whose output is an object, such as a zod, valibot or arktype schema. */
export type ClaimsSchema<C extends object> = StandardSchemaV1<unknown, C>

/**
 * Validates the claims and merges the output of the schema into them. Claims that the schema does not know stay, so requirements can still
 * check them. `cnf` stays as signed, because confirming the sender depends on it.
 *
 * Neither the input nor the merged claims have a prototype, so `Object.prototype` cannot supply a claim that the token lacks.
 *
 * @throws AuthError `claims_schema`
 * @throws TypeError for a schema that returns anything but an object
 */
export async function applySchema<C extends object>(schema: ClaimsSchema<C>, claims: Claims): Promise<C & Claims> {
  // A copy, because some validators transform claims in place, which must not affect later checks.
  const result = await schema['~standard'].validate(copyOf(claims))
  const issues = own(result, 'issues')
  if (issues !== undefined) throw new AuthError('claims_schema', { actual: describeIssues(issues) })
  const value = own(result, 'value')
  if (!isRecord(value)) throw new TypeError('The schema of "claims" must return an object')
  const { cnf: _, ...completed } = copyOf(value) as Readonly<Record<string, unknown>>
  return bare({ ...claims, ...completed }) as C & Claims
}

// Class instances that a schema adds to the claims belong to the application, so they are not copied.
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isRecord(value)) return value
  return bare(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item)])))
}

function describeIssues(issues: unknown): string {
  return Array.isArray(issues) ? issues.slice(0, 3).map(describeIssue).join('; ') : 'not said'
}

// Only the path and the schema's message: the application wrote that message.
function describeIssue(issue: StandardSchemaV1.Issue): string {
  const { message } = issue
  const place = own(issue, 'path')
    ?.map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    .join('.')
  return place ? `${place}: ${message}` : message
}
