import { describe, expect, it } from 'vitest'
import { isAlgorithm, isAsymmetric, isSymmetric, parametersOf } from '../../../packages/core/src/model/algorithm.ts'
import {
  copyCondition,
  copyPath,
  isClaimCondition,
  isClaimPath,
  meetsCondition,
  nameOfPath,
} from '../../../packages/core/src/model/claim-path.ts'
import {
  checkedFields,
  isFieldValue,
  isHttpToken,
  isPlainObject,
  isPlainText,
  isScope,
} from '../../../packages/core/src/model/http-text.ts'

const NO_TEXT = [undefined, null, 1, true, ['a'], { length: 1 }, new String('a')]

describe('text of HTTP', () => {
  it.each<readonly [string, (text: unknown) => boolean, readonly string[], readonly string[]]>([
    [
      'a token',
      isHttpToken,
      ['a', 'Z', '0', 'x-a', "!#$%&'*+.^_`|~-"],
      ['', 'a b', 'a:', 'a"', 'a\n', '\na', 'ä', '(', '/'],
    ],
    [
      'plain text',
      isPlainText,
      ['a', ' ', '!', '#', '[', ']', '~', 'a b'],
      ['', '"', '\\', '"a', 'a"', '\\a', '\na', 'a\n', '\t', '\u007f', 'ä'],
    ],
    ['a scope', isScope, ['a', '!', '#', '[', ']', '~', 'a:b/c'], ['', ' ', 'a b', '"', '\\', 'a\n', '\u007f', 'ä']],
    [
      'the value of a field',
      isFieldValue,
      ['a', '!', '~', 'a b', 'a\tb', '"\\'],
      ['', ' ', ' a', 'a ', 'a\t', 'a\nb', 'a\r', 'ä', '\u007f', 'a\0b'],
    ],
  ])('of %s', (_, fits, texts, others) => {
    expect(texts.filter((text) => !fits(text))).toEqual([])
    expect([...others, ...NO_TEXT].filter(fits)).toEqual([])
  })

  it('accepts header fields of a plain object, copies them, and writes their names in lower case', () => {
    const given = { 'X-A': 'a b', b: 'c' }
    const fields = checkedFields(given, 'A hook')
    expect({ ...fields }).toEqual({ 'x-a': 'a b', b: 'c' })
    expect([Object.getPrototypeOf(fields), Object.isFrozen(fields), Object.isFrozen(given)]).toEqual([
      null,
      true,
      false,
    ])
    expect({ ...checkedFields({}, 'A hook') }).toEqual({})
  })

  it.each([[null], [undefined], ['a'], [['a']], [{ '': 'a' }], [{ 'a b': 'c' }], [{ a: 1 }], [{ a: 'b', c: 'd\n' }]])(
    'accepts no header fields that are %j',
    (fields) => {
      expect(() => checkedFields(fields, 'A hook')).toThrow(
        new TypeError('A hook must give "headers" as an object of header names and values'),
      )
    },
  )

  it('treats objects with the prototype of any realm, or none, as plain', () => {
    const plain = [{}, Object.create(null), Object.create(Object.create(null) as object)]
    expect(plain.filter((value) => !isPlainObject(value))).toEqual([])
    const others = [[], null, undefined, 'a', 1, () => {}, new Map(), new Date(), Object.create({})]
    expect(others.filter(isPlainObject)).toEqual([])
  })
})

describe('a path of claims', () => {
  it('is a name or a list of names', () => {
    expect(['a', 'a.b', ['a'], ['a', 'b']].filter((path) => !isClaimPath(path))).toEqual([])
    expect(['', [], ['a', ''], ['a', 1], [['a']], 1, null, undefined, {}].filter(isClaimPath)).toEqual([])
    expect([nameOfPath('a'), nameOfPath(['a', 'b'])]).toEqual(['a', 'a.b'])
  })

  it('is copied, and a list of one name becomes the name', () => {
    const path = ['a', 'b']
    const copy = copyPath(path)
    path[1] = 'c'
    expect([copyPath('a'), copyPath(['a']), copy, Object.isFrozen(copy)]).toEqual(['a', 'a', ['a', 'b'], true])
  })

  it.each<readonly [unknown, unknown, boolean]>([
    ['a', 'a', true],
    ['a', 'b', false],
    ['1', 1, false],
    [1, [2, 1], true],
    [1, [2, 3], false],
    [['a', 'b'], 'b', true],
    [['a', 'b'], ['c', 'b'], true],
    [['a', 'b'], ['c', 'd'], false],
    [[['a']], 'a', false],
    [false, false, true],
    ['a', () => true, true],
    ['a', () => false, false],
  ])('has the value %j, which the condition %j accepts: %j', (value, condition, expected) => {
    expect(meetsCondition(value, condition as string)).toBe(expected)
  })

  it.each([[undefined], [1], ['true'], [Promise.resolve(true)]])(
    'has a predicate that answers with %j: a bug',
    (answer) => {
      expect(() => meetsCondition('a', () => answer as never)).toThrow(
        new TypeError('A claim predicate must return true or false, not a promise'),
      )
    },
  )

  it('has a condition that is a value, a list of values or a predicate', () => {
    expect(['a', 1, false, ['a', 1], () => true].filter((one) => !isClaimCondition(one))).toEqual([])
    expect([null, undefined, {}, [], [null], ['a', {}], /a/, 1n].filter(isClaimCondition)).toEqual([])
    const list = ['a']
    const copy = copyCondition(list)
    list.push('b')
    expect([copy, copyCondition('a')]).toEqual([['a'], 'a'])
  })
})

describe('an algorithm', () => {
  it.each([
    ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }],
    ['PS384', { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48 }],
    ['PS512', { name: 'RSA-PSS', hash: 'SHA-512', saltLength: 64 }],
    ['ES256', { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' }],
    ['ES512', { name: 'ECDSA', hash: 'SHA-512', namedCurve: 'P-521' }],
    ['ES999', { name: 'ECDSA', hash: 'SHA-999', namedCurve: undefined }],
    ['HS384', { name: 'HMAC', hash: 'SHA-384' }],
    ['EdDSA', { name: 'Ed25519' }],
    ['Ed25519', { name: 'Ed25519' }],
    ['ML-DSA-44', { name: 'ML-DSA-44' }],
  ])('%s has the parameters %j of WebCrypto', (algorithm, parameters) => {
    expect({ ...parametersOf(algorithm) }).toEqual(parameters)
    expect(Object.getPrototypeOf(parametersOf(algorithm))).toBeNull()
  })

  it('is known by its exact name, and has a public key unless it is an HMAC', () => {
    const unknown = ['none', 'rs256', 'RS256 ', 'toString', '__proto__', '', 1, null, undefined, ['RS256']]
    expect([...unknown.filter(isAlgorithm), ...unknown.filter(isAsymmetric)]).toEqual([])
    expect(['RS256', 'ES384', 'EdDSA', 'ML-DSA-65'].map((name) => [isAlgorithm(name), isAsymmetric(name)])).toEqual(
      Array.from({ length: 4 }, () => [true, true]),
    )
    expect([isAlgorithm('HS256'), isAsymmetric('HS256'), isSymmetric('HS256'), isSymmetric('RS256')]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })
})
