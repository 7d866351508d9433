import { describe, expect, it } from 'vitest'
import { AuthError } from '../errors/auth-error.ts'
import type { JoseHeader } from '../model/token.ts'
import { headerCache } from './header-cache.ts'

/** A cache over a parser that counts, and makes a header of any text but `bad…`. */
function counted() {
  const parsed: string[] = []
  const headerOf = headerCache((encoded): JoseHeader => {
    parsed.push(encoded)
    if (encoded.startsWith('bad')) throw new AuthError('header_malformed')
    return { alg: 'ES256', kid: encoded }
  })
  return { parsed, headerOf }
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
  it('parses a text once, and gives the same object for it', () => {
    const { parsed, headerOf } = counted()
    const first = headerOf('one')
    expect(headerOf('one')).toBe(first)
    expect(headerOf(['o', 'ne'].join(''))).toBe(first)
    expect(first).toEqual({ alg: 'ES256', kid: 'one' })
    expect(parsed).toEqual(['one'])
  })

  it('keeps texts apart that differ in anything, in whatever order they come', () => {
    const { headerOf } = counted()
    const texts = ['one', 'One', 'one ', ' one', 'on', 'onee', '', 'constructor', '__proto__', 'one\0']
    for (let round = 0; round < 3; round += 1)
      for (const text of [...texts, ...texts.toReversed()]) expect(headerOf(text).kid, JSON.stringify(text)).toBe(text)
  })

  it('remembers no refusal', () => {
    const { parsed, headerOf } = counted()
    for (let round = 0; round < 3; round += 1) {
      expect(codeOf(() => headerOf('bad'))).toBe('header_malformed')
      expect(headerOf('one').kid).toBe('one')
    }
    expect(parsed).toEqual(['bad', 'one', 'bad', 'bad'])
  })

  it('remembers 256 texts, and forgets the one that was not asked for the longest', () => {
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

  it('remembers 256 KiB of text, so fewer texts where they are long', () => {
    const { parsed, headerOf } = counted()
    const texts = Array.from({ length: 65 }, (_, index) => String(index).padStart(4096, '.'))
    for (const text of texts) headerOf(text)
    parsed.length = 0
    for (const text of texts.slice(1)) expect(headerOf(text).kid).toBe(text)
    expect(parsed).toEqual([])
    expect(headerOf(texts[0] ?? '').kid).toBe(texts[0])
    expect(parsed).toEqual([texts[0]])
  })
})
