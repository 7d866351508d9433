import { misconfigured } from '../errors/misconfigured.ts'
import type { VerifiedToken } from '../model/token.ts'
import type { Requirement } from './requirement.ts'

/**
 * The token grants every one of these scopes, each a whole word (RFC 6749 section 3.3).
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function scope(...all: readonly string[]): Requirement {
  assertScopes('scope', all)
  const scopes = Object.freeze([...all])
  return Object.freeze<Requirement>({
    description: `scope ${scopes.join(' and ')}`,
    scopes,
    isMet: (token) => scopes.every((name) => token.scopes.has(name)),
    found,
  })
}

/**
 * The token grants at least one of these scopes.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function anyScope(...some: readonly string[]): Requirement {
  assertScopes('anyScope', some)
  const scopes = Object.freeze([...some])
  return Object.freeze<Requirement>({
    description: `scope ${scopes.join(' or ')}`,
    scopes,
    isMet: (token) => scopes.some((name) => token.scopes.has(name)),
    found,
  })
}

const found = ({ scopes }: VerifiedToken): Readonly<Record<string, unknown>> => ({ scope: [...scopes] })

const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function assertScopes(name: string, scopes: readonly string[]): void {
  if (scopes.length === 0) throw misconfigured(`require ${name}`, 'name at least one scope')
  for (const value of scopes) {
    if (typeof value === 'string' && SCOPE_TOKEN.test(value)) continue
    throw misconfigured(`require ${name}`, 'give each scope as one string without spaces or quotes', value)
  }
}
