import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { catalogue, wireDescriptions } from '../../../packages/core/src/model/catalogue.ts'
import { quote } from '../../../packages/core/src/errors/quote.ts'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

describe('the catalogue of errors', () => {
  it('is documented in docs/errors.md code by code, with status, error and summary', () => {
    const documented = new Map<string, { heading: string; meaning: string }>()
    let heading = ''
    for (const line of page.split('\n')) {
      if (line.startsWith('## ')) heading = line
      const row = /^\| `(\w+)` *\| ([^|]+) \|/.exec(line)
      if (row) documented.set(row[1] ?? '', { heading, meaning: row[2]?.trim() ?? '' })
    }
    expect([...documented.keys()].toSorted()).toEqual(Object.keys(catalogue).toSorted())
    for (const [code, { status, error, summary }] of Object.entries(catalogue)) {
      expect(documented.get(code)?.meaning, code).toBe(summary)
      expect(documented.get(code)?.heading, code).toContain(String(status))
      if (error !== undefined) expect(documented.get(code)?.heading, code).toContain(error)
    }
  })

  it('has no error and always a Retry-After for a 503', () => {
    for (const code of ['keys_unavailable', 'issuer_unavailable', 'check_unavailable'] as const) {
      const error = new AuthError(code)
      expect(error).toMatchObject({ status: 503, error: undefined, retryAfter: 1 })
    }
  })

  it('contains no public text that would need escaping in a quoted string', () => {
    for (const text of Object.values(wireDescriptions)) expect(text).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  })
})

describe('AuthError', () => {
  it('contains expected, actual and hint in its message, each on one line and shortened', () => {
    const error = new AuthError('issuer_mismatch', {
      expected: 'https://a.example',
      actual: `evil\n\u001b[31m\u202e${'x'.repeat(500)}`,
      hint: 'They differ',
    })
    expect(error.message).toMatch(
      /^The token comes from another issuer: expected "https:\/\/a\.example", found "evil\\n/,
    )
    expect(error.message).toMatch(/They differ$/)
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/)
    expect(error.message.length).toBeLessThan(400)
  })

  it('is an Error with a name, a code and a cause, and is identified by its code', () => {
    const cause = new Error('inner')
    const error = new AuthError('key_unusable', { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'AuthError', code: 'key_unusable', status: 401, error: 'invalid_token', cause })
  })

  it('shortens text of more than 120 characters, and nothing else', () => {
    expect(quote('x '.repeat(59))).toBe(`"${'x '.repeat(59)}"`)
    expect(quote('x '.repeat(60))).toBe(`"${'x '.repeat(60)}"`)
    expect(quote('x '.repeat(61))).toBe(`"${'x '.repeat(60)}…"`)
    expect(quote('x '.repeat(100_000))).toHaveLength(123)
    expect(quote({ a: 'y '.repeat(200) })).toBe(`{"a":"${'y '.repeat(57)}…`)
  })

  it('escapes characters that control a terminal', () => {
    expect(quote('\u0085\u2028\u202e\u2066')).toBe(String.raw`"\u0085\u2028\u202e\u2066"`)
  })

  it('describes values that cannot be serialized', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(quote(circle)).toBe('a value of type object')
    expect(quote(1n)).toBe('a value of type bigint')
    expect(quote(() => 1)).toBe('function')
    expect(quote(undefined)).toBe('nothing')
    expect(quote(new Set(['a']))).toBe('["a"]')
  })

  it('accepts a valid time to retry after, otherwise uses one second', () => {
    const after = (retryAfter: number): number | undefined =>
      new AuthError('keys_unavailable', { retryAfter }).retryAfter
    expect([0, 2.5, -1, Number.NaN, Number.POSITIVE_INFINITY].map(after)).toEqual([0, 2.5, 1, 1, 1])
    expect(new AuthError('token_expired', { retryAfter: 5 }).retryAfter).toBeUndefined()
    expect(new AuthError('token_expired').scopes).toEqual([])
  })
})
