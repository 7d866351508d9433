import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../packages/core/src/model/limits.ts'
import { parsePlainJson } from '../../../packages/core/src/json/plain-json.ts'
import { type JsonLimits, parseStrictJson } from '../../../packages/core/src/json/strict-json.ts'

const LIMITS: JsonLimits = { members: 8, nodes: 12, depth: 4 }

/** The result of the strict parser: an object, or undefined for a refusal and for any other value. */
function strictObject(text: string, limits: JsonLimits): unknown {
  try {
    const value = parseStrictJson(text, limits)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isFrozenThrough(value: unknown): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozenThrough))
  )
}

/** Checks a text: an object must equal that of the strict parser, and be frozen. Returns whether there is one. */
function judge(text: string, limits: JsonLimits = LIMITS): 'plain' | 'left' {
  const plain = parsePlainJson(text, limits)
  if (plain === undefined) return 'left'
  expect(strictObject(text, limits), text).toEqual(plain)
  expect(Object.keys(plain)).toEqual(Object.keys(strictObject(text, limits) as object))
  expect(isFrozenThrough(plain), text).toBe(true)
  return 'plain'
}

const name = fc.constantFrom(
  'a',
  'b',
  'iss',
  '__proto__',
  'constructor',
  'toString',
  '0',
  'a:b',
  'a,b',
  '{',
  '\\u0061',
  'é',
  '',
)
const text = name.map((value) => `"${value}"`)
const leaf = fc.oneof(
  text,
  fc.constantFrom('0', '-1', '1e999', 'true', 'null', '1.5', 'NaN', '01', '"\\""', '"\t"', '" "'),
)
const { value: jsonText } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('object'), list(tie('value'), '[', ']')),
  object: list(
    fc.tuple(text, tie('value')).map(([key, item]) => `${key}:${item}`),
    '{',
    '}',
  ),
}))

function list(item: fc.Arbitrary<string>, open: string, close: string): fc.Arbitrary<string> {
  return fc.array(item, { maxLength: 5 }).map((items) => `${open}${items.join(',')}${close}`)
}

const objectText = fc.array(fc.tuple(text, jsonText), { maxLength: 6 }).map((members) => {
  return `{${members.map(([key, item]) => `${key}:${item}`).join(',')}}`
})
const limits = fc.record({
  members: fc.integer({ min: 1, max: 12 }),
  nodes: fc.integer({ min: 1, max: 20 }),
  depth: fc.integer({ min: 1, max: 5 }),
})

describe('JSON in plain form', () => {
  it('returns the same as the strict parser, deeply frozen, or leaves the text to it', () => {
    const seen = { plain: 0, left: 0 }
    fc.assert(
      fc.property(objectText, limits, (json, caps) => {
        seen[judge(json, caps)] += 1
      }),
      { numRuns: 3000 },
    )
    // A run in which one side never occurs tests nothing.
    expect(seen.plain).toBeGreaterThan(300)
    expect(seen.left).toBeGreaterThan(300)
  })

  it('returns nothing for text that the strict parser refuses, whatever the characters', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'a',
      '1',
      ' ',
      '\n',
      'é',
      '"a":1',
      '"a":',
      '{}',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        expect(judge(`{${parts.join('')}}`)).toMatch(/plain|left/)
      }),
      { numRuns: 3000 },
    )
  })

  it('returns an ordinary object like JSON.parse', () => {
    const claims = { iss: 'https://issuer.example', aud: ['a', 'b'], exp: 1_800_000_000, cnf: { jkt: 'x' }, ok: null }
    expect(parsePlainJson(JSON.stringify(claims), DEFAULT_LIMITS)).toEqual(claims)
    expect(parsePlainJson('{}', DEFAULT_LIMITS)).toEqual({})
    expect(parsePlainJson(' { "a" : [ 1 , { } ] } ', DEFAULT_LIMITS)).toEqual({ a: [1, {}] })
    // The first and the last printable character.
    expect(parsePlainJson('{"a ~":" ~"}', DEFAULT_LIMITS)).toEqual({ 'a ~': ' ~' })
    // Levels are counted again after each end.
    const two = { members: 20, nodes: 20, depth: 2 }
    expect(parsePlainJson('{"a":{},"b":{},"c":{}}', two)).toEqual({ a: {}, b: {}, c: {} })
    expect(parsePlainJson('{"a":[],"b":[],"c":[]}', two)).toEqual({ a: [], b: [], c: [] })
  })

  it.each([
    ['nothing', ''],
    ['no object', '[]'],
    ['a string', '"a"'],
    ['null', 'null'],
    ['a number', '1'],
    ['a byte order mark', '\ufeff{}'],
    ['a member twice', '{"a":1,"a":1}'],
    ['a member twice inside', '{"a":{"b":1,"b":2}}'],
    ['a member twice in an array', '{"a":[{"b":1,"b":2}]}'],
    ['a member twice, balanced by an array', '{"a":[1,2,3],"b":1,"b":2}'],
    ['a number as a name, twice', '{"0":1,"0":2}'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__ that is null', '{"__proto__":null}'],
    ['__proto__ inside', '{"a":[{"__proto__":1}]}'],
    ['an escape in a name', String.raw`{"\u0061":1}`],
    ['an escape in a value', String.raw`{"a":"\n"}`],
    ['a non-ASCII letter', '{"a":"é"}'],
    ['a delete character', '{"a":"\u007f"}'],
    ['a line break', '{"a":1}\n'],
    ['a tab in a string', '{"a":"\t"}'],
    ['text behind', '{"a":1}x'],
    ['an extra comma', '{"a":1,}'],
    ['an unterminated string', '{"a":"b}'],
  ])('leaves %s to the strict parser', (_, json) => {
    expect(parsePlainJson(json, DEFAULT_LIMITS)).toBeUndefined()
  })

  it.each([
    // The contents have a lower limit than in the strict parser: the object and its members count together.
    ['members', 7, { members: 8, nodes: 100, depth: 4 }],
    ['values', 11, { members: 100, nodes: 12, depth: 4 }],
  ])('accepts as many %s as allowed, and leaves one more to the strict parser', (_, most, caps) => {
    const flat = (count: number): string =>
      `{${Array.from({ length: count }, (_item, index) => `"a${index}":0`).join()}}`
    expect(judge(flat(most), caps)).toBe('plain')
    expect(judge(flat(most + 1), caps)).toBe('left')
    expect(parsePlainJson(flat(caps.members + 1), caps)).toBeUndefined()
    expect(parsePlainJson(flat(caps.nodes), caps)).toBeUndefined()
    for (let count = 0; count < 20; count += 1) judge(flat(count), caps)
  })

  it('accepts as many levels as allowed, and leaves one more to the strict parser', () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const lists = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    for (const make of [nested, lists]) {
      expect(judge(make(4))).toBe('plain')
      expect(judge(make(5))).toBe('left')
      expect(strictObject(make(4), LIMITS)).toBeDefined()
      expect(strictObject(make(5), LIMITS)).toBeUndefined()
    }
  })
})

describe('JSON in plain form with a polluted Object.prototype', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  afterEach(() => {
    delete prototype['polluted']
  })

  it.each([1, { harmless: {} }])('does not treat its member, %j, as one of the text', (value) => {
    prototype['polluted'] = value
    expect(parsePlainJson('{"a":1,"a":2}', DEFAULT_LIMITS)).toBeUndefined()
    expect(parsePlainJson('{"a":{"b":1,"b":2}}', DEFAULT_LIMITS)).toBeUndefined()
    expect(Object.keys(parsePlainJson('{"a":[1,{}]}', DEFAULT_LIMITS) ?? {})).toEqual(['a'])
    expect(Object.isFrozen(prototype['polluted'])).toBe(typeof value !== 'object')
  })
})
