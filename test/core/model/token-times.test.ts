import { describe, expect, it } from 'vitest'
import { duration, iatTolerance } from '../../../packages/core/src/model/runtime.ts'

describe('a duration', () => {
  it.each([
    [0, '0 seconds'],
    [0.4, '0 seconds'],
    [1, '1 second'],
    [119, '119 seconds'],
    [120, '2 minutes'],
    [7199, '119 minutes'],
    [7200, '2 hours'],
    [172_799, '47 hours'],
    [5_847_855, '67 days'],
  ])('of %d s is %s', (seconds, words) => {
    expect(duration(seconds)).toBe(words)
  })
})

describe('the tolerance for an iat in the future', () => {
  it.each([
    [0, 60],
    [5, 60],
    [60, 60],
    [300, 300],
  ])('with a clock tolerance of %d s is %d s', (clockTolerance, forgiven) => {
    expect(iatTolerance(clockTolerance)).toBe(forgiven)
  })
})
