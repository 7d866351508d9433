import { assert, constantFrom, jsonValue, pre, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ElementTolerance, parseStrictJson, StrictJsonError } from '../../../packages/core/src/json/strict-json.ts'

const limits = { members: 8, nodes: 32, depth: 4 }

function thrownBy(text: string): Error {
  try {
    parseStrictJson(text, limits)
  } catch (error) {
    return error as Error
  }
  throw new Error('it threw nothing')
}

function flawOf(text: string): string | undefined {
  try {
    parseStrictJson(text, limits)
    return undefined
  } catch (error) {
    if (error instanceof StrictJsonError) return error.flaw
    throw error
  }
}

describe('strict JSON', () => {
  it.each([
    ['a plain object', '{"a":1,"b":[true,null,"x"]}', undefined],
    ['the same name in different objects', '{"a":{"b":1},"c":{"b":2}}', undefined],
    ['a colon, a quote and a brace inside strings', String.raw`{"a:b":"\"{,:}[","c\\":1}`, undefined],
    ['a duplicate name', '{"a":1,"a":2}', 'duplicate_member'],
    ['an escaped duplicate name', String.raw`{"exp":1,"\u0065xp":2}`, 'duplicate_member'],
    ['a duplicate name in a nested object', '{"x":[{"a":1,"a":2}]}', 'duplicate_member'],
    ['a duplicate name after a nested object', '{"a":{"b":1},"a":2}', 'duplicate_member'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden_member'],
    ['an escaped __proto__', String.raw`{"\u005f_proto__":1}`, 'forbidden_member'],
    ['a nested __proto__', '{"a":{"__proto__":1}}', 'forbidden_member'],
    ['a byte order mark', '\ufeff{}', 'malformed'],
    ['an unfinished string', '{"a', 'malformed'],
    ['an unfinished escape', String.raw`{"a\ `.trim(), 'malformed'],
    ['a wrong escape in a name', String.raw`{"\x":1}`, 'malformed'],
    ['text after the end', '{} {}', 'malformed'],
    ['a comment', '{/**/}', 'malformed'],
    ['nothing', '', 'malformed'],
    ['four levels', '[[[[]]]]', undefined],
    ['five levels', '[[[[[]]]]]', 'limits'],
    ['eight members', '[1,2,3,4,5,6,7,8]', undefined],
    ['nine elements', '[1,2,3,4,5,6,7,8,9]', 'limits'],
    ['nine members', '{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0}', 'limits'],
    ['more values than allowed in total', `[${Array.from({ length: 7 }, () => '[1,2,3,4,5]').join(',')}]`, 'limits'],
  ])('judges %s', (_, text, flaw) => {
    expect(flawOf(text)).toBe(flaw)
  })

  it.each([
    ['\ufeff{}', 'malformed', 'starts with a byte order mark', undefined],
    ['{"a', 'malformed', 'is not JSON', undefined],
    ['{"a":1', 'malformed', 'is not JSON', undefined],
    [String.raw`{"\x":1}`, 'malformed', 'is not JSON', undefined],
    ['[[[[[]]]]]', 'limits', 'is nested deeper than 4', 'depth'],
    ['[1,2,3,4,5,6,7,8,9]', 'limits', 'has more than 8 members in one object or array', 'members'],
    [`[${Array.from({ length: 7 }, () => '[1,2,3,4,5]').join(',')}]`, 'limits', 'holds more than 32 values', 'nodes'],
    ['{"a":1,"a":2}', 'duplicate_member', 'has a member name twice', undefined],
    ['{"__proto__":1}', 'forbidden_member', 'has a member named __proto__', undefined],
  ])('says why it refuses %s', (text, flaw, message, limit) => {
    const error = thrownBy(text)
    expect(error).toMatchObject({ name: 'StrictJsonError', flaw, message, limit })
    // It would quote the text.
    expect(error.cause).toBeUndefined()
  })

  it('accepts as many values as allowed, and refuses one more', () => {
    const holding = (count: number): string =>
      `[[${'0,'.repeat(7)}0],[${'0,'.repeat(7)}0],[${Array<string>(count).fill('0').join()}],[]]`
    expect(flawOf(holding(8))).toBeUndefined()
    expect(flawOf(`[${holding(8)}]`)).toBeUndefined()
    expect(flawOf(`[${holding(8)},0]`)).toBeUndefined()
    expect(flawOf(`[${holding(8)},0,0]`)).toBe('limits')
  })

  it('compares the decoded names of members', () => {
    expect(flawOf(String.raw`{"a\tb":1,"a\u0009b":2}`)).toBe('duplicate_member')
    expect(flawOf(String.raw`{"a\tb":1,"a\nb":2}`)).toBeUndefined()
    // A text where a name belongs, and a name in an array, are left to `JSON.parse`.
    expect(flawOf('["a":1]')).toBe('malformed')
    expect(flawOf('{:1}')).toBe('malformed')
  })

  it.each([
    ['{"keys":[{"a":1},{"b":1,"b":2},{"__proto__":1,"c":1,"c":1},{"d":[{"e":1,"e":1}]}]}', [1, 2, 3]],
    ['{"other":[{"a":[{"b":1,"b":1}]}],"keys":[]}', 'duplicate_member'],
    ['{"keys":[],"other":[{"__proto__":1}]}', 'forbidden_member'],
    ['{"keys":{"a":{"b":1,"b":2}}}', 'duplicate_member'],
    ['{"keys":[],"keys":[]}', 'duplicate_member'],
    ['{"keys":[{"a":1}],"b":1,"b":1}', 'duplicate_member'],
  ])('tolerates flaws of single elements of one array: %s', (text, expected) => {
    const tolerance: ElementTolerance = { array: 'keys', flaws: new Map() }
    if (typeof expected === 'string') expect(() => parseStrictJson(text, limits, tolerance)).toThrow(StrictJsonError)
    else parseStrictJson(text, { ...limits, depth: 8 }, tolerance)
    if (typeof expected === 'string') return
    expect(tolerance.flaws.keys().toArray()).toEqual(expected)
    expect(tolerance.flaws.get(1)).toEqual({ flaw: 'duplicate_member', name: 'b' })
    // The first flaw of an element.
    expect(tolerance.flaws.get(2)).toEqual({ flaw: 'forbidden_member', name: '__proto__' })
  })

  it('stops at the depth limit before JSON.parse runs', () => {
    expect(flawOf('['.repeat(1_000_000))).toBe('limits')
  })

  it('returns the result of JSON.parse for every text of JSON.stringify', () => {
    const wide = { members: 1000, nodes: 65_536, depth: 64 }
    assert(
      property(jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        pre(!text.includes('__proto__'))
        expect(parseStrictJson(text, wide)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('throws only StrictJsonError, whatever the text', () => {
    assert(
      property(string({ unit: constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'u', '0', 'a', ' ') }), (text) => {
        expect([undefined, 'malformed', 'limits', 'duplicate_member', 'forbidden_member']).toContain(flawOf(text))
      }),
      { numRuns: 2000 },
    )
  })
})
