import { expect, it } from 'vitest'
import { rawFieldValues } from './raw-field-values.ts'

it('gives every value of a field, in order, whatever the case of its name', () => {
  const raw = ['Authorization', 'a', 'X', 'authorization', 'AUTHORIZATION', 'b']
  expect(rawFieldValues(raw, 'authorization')).toEqual(['a', 'b'])
  expect(rawFieldValues(raw, 'x')).toEqual(['authorization'])
  expect(rawFieldValues(raw, 'a')).toEqual([])
  expect(rawFieldValues(['x'], 'x')).toEqual([])
})
