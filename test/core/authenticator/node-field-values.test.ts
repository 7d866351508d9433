import { expect, it } from 'vitest'
import { nodeFieldValues } from '../../../packages/core/src/authenticator/adapter.ts'

it('returns the value of the parsed headers, which middleware may have rewritten, added or deleted', () => {
  const raw = ['Authorization', 'received']
  expect(nodeFieldValues({ authorization: 'received' }, raw, 'authorization')).toEqual(['received'])
  expect(nodeFieldValues({ authorization: 'rewritten' }, raw, 'authorization')).toEqual(['rewritten'])
  expect(nodeFieldValues({ 'x-token': 'written' }, raw, 'x-token')).toEqual(['written'])
  expect(nodeFieldValues({}, raw, 'authorization')).toEqual([])
  expect(nodeFieldValues({ authorization: undefined }, raw, 'authorization')).toEqual([])
  expect(nodeFieldValues({ authorization: '' }, raw, 'authorization')).toEqual([''])
})

it('returns every value of a repeated field in order, whatever the case of its name, unless it was deleted', () => {
  const raw = ['Authorization', 'a', 'X', 'authorization', 'AUTHORIZATION', 'b']
  const headers = { authorization: 'a', x: 'authorization' }
  expect(nodeFieldValues(headers, raw, 'authorization')).toEqual(['a', 'b'])
  expect(nodeFieldValues(headers, raw, 'x')).toEqual(['authorization'])
  expect(nodeFieldValues(headers, raw, 'a')).toEqual([])
  expect(nodeFieldValues({ x: 'authorization' }, raw, 'authorization')).toEqual([])
  expect(nodeFieldValues({ x: ['a', 'b'] }, [], 'x')).toEqual(['a', 'b'])
  expect(nodeFieldValues({ x: ['a'] }, undefined, 'x')).toEqual(['a'])
})

it('returns the joined cookies, which are complete and may have been rewritten', () => {
  const raw = ['cookie', 'a=1', 'cookie', 'a=2']
  expect(nodeFieldValues({ cookie: 'a=1; a=2' }, raw, 'cookie')).toEqual(['a=1; a=2'])
  expect(nodeFieldValues({ cookie: 'a=3' }, raw, 'cookie')).toEqual(['a=3'])
  expect(nodeFieldValues({}, raw, 'cookie')).toEqual([])
})

it.each([undefined, null, [], {}, 'x', [undefined, 1, null, 'a'], ['x']])('accepts %j as raw headers', (raw) => {
  expect(nodeFieldValues({ x: 'a' }, raw, 'x')).toEqual(['a'])
})

it.each([undefined, null, 'x', {}, Object.create({ x: 'inherited' })])('finds nothing in %j', (headers) => {
  expect(nodeFieldValues(headers, ['x', 'a'], 'x')).toEqual([])
})

it.each([null, 1, {}, [[]]])('passes on %j, which is not text', (value) => {
  expect(nodeFieldValues({ x: value }, [], 'x')).toEqual(Array.isArray(value) ? value : [value])
})
