import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { base64url } from 'jose'
import { describe, expect, it } from 'vitest'
import { base64urlFlaw } from '../../../packages/core/src/bytes/base64url.ts'
import * as node from '../../../packages/core/src/bytes/bytes.node.ts'
import * as web from '../../../packages/core/src/bytes/bytes.web.ts'
import { hex, hexSha256 } from '../../../packages/core/src/bytes/hex.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ALPHABET = LETTERS.split('')

function expected(text: string): Uint8Array | undefined {
  return base64urlFlaw(text) === undefined ? base64url.decode(text) : undefined
}

const plain = (bytes: Uint8Array | undefined): number[] | undefined => bytes && [...bytes]

describe.each([
  ['Node', node],
  ['the web', web],
])('bytes on %s', (_, { decodeBase64url, decodeUtf8, asciiBytes }) => {
  const expectSame = (text: string): void => {
    expect(plain(decodeBase64url(text)), JSON.stringify(text)).toEqual(plain(expected(text)))
  }

  it('are decoded as UTF-8, exactly as a strict decoder does, with a byte order mark kept', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const expectedText = (bytes: Uint8Array): string | undefined => {
      try {
        return strict.decode(bytes)
      } catch {
        return undefined
      }
    }
    const text = fc.string({ unit: 'binary' }).map((value) => new TextEncoder().encode(value))
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 8 })), (bytes) => {
        expect(decodeUtf8(bytes)).toBe(expectedText(bytes))
      }),
    )
    for (const bytes of [
      [0xef, 0xbb, 0xbf, 0x7b],
      [0xef, 0xbf, 0xbd],
      [0xed, 0xa0, 0x80],
      [0xc0, 0xaf],
      [0xf4, 0x90, 0x80, 0x80],
      [],
    ])
      expect(decodeUtf8(Uint8Array.from(bytes))).toBe(expectedText(Uint8Array.from(bytes)))
  })

  it('are decoded from canonical base64url of every length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(plain(decodeBase64url(base64url.encode(bytes)))).toEqual([...bytes])
      }),
    )
  })

  it('are not decoded from other text: one invalid character anywhere is enough', () => {
    const strange = fc.constantFrom(
      '+',
      '/',
      '=',
      ' ',
      '\n',
      '\r',
      '\t',
      '\f',
      '\v',
      '\0',
      '.',
      '%',
      '\u00a0',
      '\u00c1',
      '\u00ff',
      // Their low bytes are letters of the alphabet, or its - and _.
      '\u0141',
      '\u0161',
      '\u012d',
      '\u015f',
      '\u2041',
      '\uff41',
      '\uff0d',
      '\ufeff',
      '\ud800',
      '\udc41',
      '\u{1f600}',
    )
    const base = fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 90 })
    fc.assert(
      fc.property(base, strange, fc.nat(), fc.boolean(), (text, character, at, replaces) => {
        const place = at % (text.length + 1)
        expectSame(text)
        const changed = text.slice(0, place) + character + text.slice(place + (replaces ? 1 : 0))
        expectSame(changed)
        expect(decodeBase64url(changed)).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })

  it('match the reference for random text', () => {
    expect.hasAssertions()
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 12 }), expectSame), { numRuns: 2000 })
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...ALPHABET, '+', '/', '='), maxLength: 12 }), expectSame),
      {
        numRuns: 2000,
      },
    )
  })

  it('are not decoded if unused bits are set, or if the length leaves 1', () => {
    for (const character of `${LETTERS}+/= \n\u0141`)
      for (const before of ['', 'A', 'AA', 'AAA', 'AAAA', 'AAAAA', 'AAAAAA', 'A'.repeat(43), 'A'.repeat(85)])
        expectSame(before + character)
    expect(decodeBase64url('A')).toBeUndefined()
    expect(decodeBase64url('AB')).toBeUndefined()
    expect(decodeBase64url('AAB')).toBeUndefined()
    expect(plain(decodeBase64url('AQ'))).toEqual([1])
    expect(plain(decodeBase64url('AAE'))).toEqual([0, 1])
    expect(plain(decodeBase64url(''))).toEqual([])
  })

  it('treat padding and white space alike in every position', () => {
    for (const text of [
      'AA==',
      'AAA=',
      'AAAA=',
      'AAAA====',
      '=',
      '====',
      'A===',
      'AA=A',
      'AA A',
      ' AAA',
      'AAA ',
      'AAA\n',
    ])
      expect(decodeBase64url(text), JSON.stringify(text)).toBeUndefined()
  })

  it('of ASCII are its codes', () => {
    const ascii = Array.from({ length: 128 }, (_item, code) => code)
    expect([...asciiBytes(String.fromCharCode(...ascii))]).toEqual(ascii)
    expect([...asciiBytes('')]).toEqual([])
  })
})

describe('base64urlFlaw', () => {
  it.each([
    ['AA=', 'characters outside the base64url alphabet'],
    ['A+A', 'characters outside the base64url alphabet'],
    ['AAAAA', 'an impossible length'],
    // One unused bit each.
    ...['AB', 'AC', 'AE', 'AI', 'AAB', 'AAC'].map((text) => [text, 'trailing bits that are not zero']),
    ...['', 'AQ', 'AAE', 'AAAB'].map((text) => [text, undefined]),
  ])('of %j is %s', (text, flaw) => {
    expect(base64urlFlaw(text ?? '')).toBe(flaw)
    expect(node.decodeBase64url(text ?? '') === undefined).toBe(flaw !== undefined)
  })
})

describe('sha256', () => {
  it.each(['', 'abc', 'é€😀', 'x'.repeat(5000)])('of %s is the same on Node and elsewhere', async (text) => {
    const digest = createHash('sha256').update(text).digest('base64url')
    expect(await node.sha256(text)).toBe(digest)
    expect(await web.sha256(text)).toBe(digest)
  })
})

describe('hexadecimal digits', () => {
  it('have two characters for each byte', () => {
    expect(hex(new Uint8Array([0, 10, 255]))).toBe('000aff')
  })

  it('of a SHA-256 are those of the UTF-8 text', async () => {
    expect(await hexSha256('é')).toBe(createHash('sha256').update('é').digest('hex'))
  })
})
