import { describe, expect, it } from 'vitest'
import { AuthError, orThrow } from '../../../packages/core/src/errors/auth-error.ts'
import type { JoseHeader } from '../../../packages/core/src/model/token.ts'
import { headerCache } from '../../../packages/core/src/jws/parse.ts'

/** A cache over a parser that counts, and returns a header for any text but `thrown` and `returned`, the ways of its refusals. */
function counted() {
  const parsed: string[] = []
  const cached = headerCache((encoded): JoseHeader | AuthError => {
    parsed.push(encoded)
    if (encoded === 'thrown') throw new AuthError('header_malformed')
    return encoded === 'returned' ? new AuthError('header_malformed') : { alg: 'ES256', kid: encoded }
  })
  return { parsed, headerOf: (encoded: string): JoseHeader => orThrow(cached(encoded)) }
}

const codeOf = (read: () => unknown): string => {
  try {
    read()
    return 'read'
  } catch (error) {
    return (error as AuthError).code
  }
}

describe('a header cache', () => {
  it('parses a text once, and returns the same object for it', () => {
    const { parsed, headerOf } = counted()
    const first = headerOf('one')
    expect(headerOf('one')).toBe(first)
    expect(headerOf(['o', 'ne'].join(''))).toBe(first)
    expect(first).toEqual({ alg: 'ES256', kid: 'one' })
    expect(parsed).toEqual(['one'])
  })

  it('distinguishes different texts, in any order', () => {
    const { headerOf } = counted()
    const texts = ['one', 'One', 'one ', ' one', 'on', 'onee', '', 'constructor', '__proto__', 'one-']
    for (let round = 0; round < 3; round += 1)
      for (const text of [...texts, ...texts.toReversed()]) expect(headerOf(text).kid, JSON.stringify(text)).toBe(text)
  })

  it.each(['thrown', 'returned'])('does not cache refusals that are %s', (bad) => {
    const { parsed, headerOf } = counted()
    for (let round = 0; round < 3; round += 1) {
      expect(codeOf(() => headerOf(bad))).toBe('header_malformed')
      expect(headerOf('one').kid).toBe('one')
    }
    expect(parsed).toEqual([bad, 'one', bad, bad])
  })

  it('holds 256 texts, and evicts the least recently used', () => {
    const { parsed, headerOf } = counted()
    for (let index = 0; index < 256; index += 1) headerOf(`k${index}`)
    headerOf('k0')
    headerOf('k256')
    parsed.length = 0
    headerOf('k0')
    headerOf('k256')
    expect(parsed).toEqual([])
    headerOf('k1')
    expect(parsed).toEqual(['k1'])
  })

  it.each([
    ['long', (index: number) => ({ kid: String(index).padStart(4000, '.') }), 100, 140],
    ['of many members', (index: number) => membersOf(500, index), 4, 16],
  ] as const)('holds fewer texts if headers are %s, because they are larger', (_, membersAt, least, most) => {
    let parses = 0
    const headerOf = headerCache((encoded): JoseHeader => {
      parses += 1
      return { alg: 'ES256', ...membersAt(Number(encoded)) }
    })
    for (let index = 0; index < 200; index += 1) headerOf(`${index}`)
    for (let index = 199; index >= 200 - least; index -= 1) headerOf(`${index}`)
    expect(parses).toBe(200)
    for (let index = 200 - most; index < 200; index += 1) headerOf(`${index}`)
    expect(parses).toBeGreaterThan(200)
  })
})

function membersOf(count: number, of: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${of}-${index}`, index]))
}
