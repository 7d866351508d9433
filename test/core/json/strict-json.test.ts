import { assert, constantFrom, jsonValue, pre, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson, StrictJsonError } from '../../../packages/core/src/json/strict-json.ts'

const limits = { members: 8, nodes: 32, depth: 4 }

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
