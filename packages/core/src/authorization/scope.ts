import { misconfigured } from '../errors/misconfigured.ts'
import type { Requirement } from './requirement.ts'

/**
 * The token grants every one of these scopes, each a whole word (RFC 6749 section 3.3).
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function scope(...all: readonly string[]): Requirement {
  assertScopes('scope', all)
  return {
    description: `scope ${all.join(' and ')}`,
    scopes: all,
    isMet: (token) => all.every((name) => token.scopes.has(name)),
  }
}

/**
 * The token grants at least one of these scopes.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function anyScope(...some: readonly string[]): Requirement {
  assertScopes('anyScope', some)
  return {
    description: `scope ${some.join(' or ')}`,
    scopes: some,
    isMet: (token) => some.some((name) => token.scopes.has(name)),
  }
}

const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function assertScopes(name: string, scopes: readonly string[]): void {
  if (scopes.length === 0) throw misconfigured(`require ${name}`, 'name at least one scope')
  for (const value of scopes) {
    if (typeof value === 'string' && SCOPE_TOKEN.test(value)) continue
    throw misconfigured(`require ${name}`, 'give each scope as one string without spaces or quotes', value)
  }
}
