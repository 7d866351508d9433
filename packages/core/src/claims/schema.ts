import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AuthError } from '../errors/auth-error.ts'
import type { Claims } from '../model/token.ts'

/** A Standard Schema validator whose output is an object: zod, valibot, arktype and others. */
export type ClaimsSchema<C extends object> = StandardSchemaV1<unknown, C>

/**
 * The claims completed by what the schema made of them. Claims the schema does not know stay, so that a requirement about
 * them still sees them.
 *
 * @throws AuthError `claims_schema`
 */
export async function applySchema<C extends object>(schema: ClaimsSchema<C>, claims: Claims): Promise<C & Claims> {
  // A copy, for some validators transform a claim in its place, which must not change what is checked next.
  const result = await schema['~standard'].validate(copyOf(claims))
  if (result.issues)
    throw new AuthError('claims_schema', { actual: result.issues.slice(0, 3).map(describeIssue).join('; ') })
  return { ...claims, ...result.value }
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item)]))
}

// Only where, and what the schema says about it: messages of validators are made by the application.
function describeIssue({ message, path }: StandardSchemaV1.Issue): string {
  const place = path?.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.')
  return place ? `${place}: ${message}` : message
}
