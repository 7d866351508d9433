import { describe, expect, it } from 'vitest'
import { quote, sentence } from '../../../packages/core/src/errors/quote.ts'

const hostile = (text: string): string => `a${text}b`

describe.each<readonly [string, (text: string) => string]>([
  ['a quoted value', quote],
  ['a value in a quoted list', (text) => quote([text])],
  ['the name of a quoted member', (text) => quote({ [text]: 1 })],
  ['a value in a quoted set', (text) => quote(new Set([text]))],
  ['a sentence', sentence],
])('%s', (_, show) => {
  it.each([
    ['a null character', '\0', String.raw`\u0000`],
    ['an escape sequence of a terminal', '\u001b[31m', String.raw`\u001b[31m`],
    ['DEL', '\u007f', String.raw`\u007f`],
    ['a C1 control', '\u009b31m', String.raw`\u009b31m`],
    ['a line separator', '\u2028', String.raw`\u2028`],
    ['a paragraph separator', '\u2029', String.raw`\u2029`],
    ['a right-to-left override', '\u202e', String.raw`\u202e`],
    ['a right-to-left mark', '\u200f', String.raw`\u200f`],
    ['an Arabic letter mark', '\u061c', String.raw`\u061c`],
    ['an isolate', '\u2066', String.raw`\u2066`],
    ['a zero-width space', '\u200b', String.raw`\u200b`],
    ['a byte order mark', '\ufeff', String.raw`\ufeff`],
    ['a soft hyphen', '\u00ad', String.raw`\u00ad`],
    ['a tag character', '\u{e0041}', String.raw`\udb40\udc41`],
    ['half a character', '\ud83d', String.raw`\ud83d`],
    ['the other half', '\udc41', String.raw`\udc41`],
  ])('escapes %s', (__, text, escaped) => {
    expect(show(hostile(text))).toContain(`a${escaped}b`)
  })

  it('keeps letters of all languages, and whole characters', () => {
    expect(show('Żółć 東京 مرحبا 🙂')).toContain('Żółć 東京 مرحبا 🙂')
  })

  it.each([
    ['a JWT', `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.${'A1b2C3d4'.repeat(10)}`],
    ['the first two parts of a JWT', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.eyJzdWIiOiJhZGEifQ'],
    ['a JWE', `eyJhbGciOiJkaXIifQ..${'A1b2C3d4_-'.repeat(4)}.${'A1b2C3d4_-'.repeat(4)}.AAAA`],
    ['a JWT with white space in its header', `ew0KImFsZyI6IkVTMjU2In0.ew0KImFsZyI6IkVTMjU2In0.${'A1b2C3d4'.repeat(6)}`],
    ['an opaque token', 'Ab3_-'.repeat(13)],
    ['an opaque token of all characters', 'aB3-._~+/'.repeat(20)],
    ['an opaque token in base64', `${'aB3+/'.repeat(16)}==`],
    ['a hash of 512 bits in hexadecimal', '0123456789abcdef'.repeat(8)],
    ['a megabyte', 'A1b2C3d4'.repeat(131_072)],
  ])('hides %s', (__, secret) => {
    for (const text of [
      secret,
      `Bearer ${secret}`,
      `${secret} Bearer`,
      `x,${secret}`,
      `https://a.example/?t=${secret}`,
    ]) {
      const shown = show(text)
      for (let at = 0; at + 20 <= Math.min(secret.length, 400); at += 1)
        expect(shown.includes(secret.slice(at, at + 20)), shown).toBe(false)
      expect(shown).toContain('[hidden]')
    }
  })

  it('shows nothing of a credential that begins where the text is truncated', () => {
    const secret = 'A1b2C3d4'.repeat(1000)
    for (let before = 0; before < 4100; before += 7) {
      const shown = show(`${'. '.repeat(before)}${secret}`)
      expect(shown.includes('A1b2C3d4A1b2'), shown).toBe(false)
    }
  })
})

describe('text that is not a credential', () => {
  it.each([
    'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    'https://contoso.b2clogin.com/tfp/72f988bf-86f1-41af-91ab-2d7cd011db47/b2c_1_signupsignin/v2.0/',
    '1234567890-abcdefghijklmnopqrstuvwxyz012345.apps.googleusercontent.com',
    '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
    '0123456789abcdef'.repeat(4),
    '72f988bf-86f1-41af-91ab-2d7cd011db47',
    'urn:example:params:oauth:client:72f988bf-86f1-41af-91ab-2d7cd011db47',
  ])('is shown: %s', (text) => {
    expect(quote(text)).toBe(`"${text}"`)
    expect(sentence(`This is ${text}.`)).toBe(`This is ${text}.`)
  })

  const part = 'ab.'.repeat(21)

  it.each([
    ['shows', 'a short address with anything', 'https://a.example/eyJhbGciOiJ.abc'],
    ['shows', 'text of 47 characters', 'eyJhbGciOiJ.'.padEnd(47, 'a')],
    ['hides', 'the beginning of a JWT of 48 characters', 'eyJhbGciOiJ.'.padEnd(48, 'a'), '[hidden]'],
    ['shows', 'a part of 64 characters in an address', `https://a.example/${part}a/b`],
    ['hides', 'a part of 65 characters in an address', `https://a.example/${part}ab/b`, 'https://a.example/[hidden]/b'],
  ])('%s %s', (_, __, text, shown = text) => {
    expect(quote(text)).toBe(`"${shown}"`)
  })
})

describe('a long value', () => {
  it('is truncated at the limit of the caller', () => {
    expect([quote('abcd', 4), quote('abcde', 4)]).toEqual(['"abcd"', '"abcd…"'])
  })

  it.each([
    ['an escape', '\u202e'],
    ['a character', '🙂'],
  ])('is truncated before %s that does not fit', (_, character) => {
    expect(quote(`abc${character}`, 4)).toBe('"abc…"')
  })

  it.each([
    ['shows the last word of a text that was not cut', 15, 'a1b2c3d4a1b2c3d'],
    ['hides the last word of a text that was cut, because it may be a credential', 16, '[hidden]'],
  ])('%s', (_, letters, shown) => {
    // Four times the limit is looked at.
    const secret = 'A1b2C3d4'.repeat(58)
    expect(quote(`${secret} ${'a1b2c3d4'.repeat(2).slice(0, letters)}`)).toBe(`"[hidden] ${shown}"`)
  })

  it('is truncated between characters and escapes', () => {
    for (let before = 100; before < 130; before += 1) {
      for (const character of ['🙂', '\u202e', '\u0001']) {
        const shown = quote(`${'. '.repeat(before / 2)}${'.'.repeat(before % 2)}${character.repeat(20)}`)
        expect(shown).toMatch(/…"$/)
        expect(shown).not.toMatch(/\\u?[\da-f]{0,3}…"$/)
        expect(shown.isWellFormed()).toBe(true)
      }
    }
  })

  it('is cheap to shorten whatever its length, and a sentence has a limit', () => {
    expect(sentence('no. '.repeat(100_000)).length).toBeLessThanOrEqual(1001)
    const start = performance.now()
    for (const text of [
      'a.'.repeat(5e5),
      'eyJ'.repeat(3e5),
      '-'.repeat(1e6),
      'https://'.repeat(1e5),
      '\u202e'.repeat(1e6),
    ]) {
      quote(text)
      sentence(text)
    }
    expect(performance.now() - start).toBeLessThan(500)
  })
})
