import { describe, expect, it } from 'vitest'
import { recreations } from '../../../packages/core/src/model/memory.ts'

const times = (count: number, made: (index: number) => boolean): readonly boolean[] =>
  Array.from({ length: count }, (_, index) => made(index))

describe('what is made again and again', () => {
  it('is noticed once, when it is made for the tenth time within a minute', () => {
    const made = recreations()
    const answers = times(200, () => made('a', 1000))
    expect(answers.indexOf(true)).toBe(9)
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  it('is counted by name', () => {
    const made = recreations()
    expect(times(50, (index) => made(`issuer-${index % 25}`, 0))).not.toContain(true)
  })

  it('is not noticed where a minute has fewer than ten', () => {
    const made = recreations()
    expect(times(100, (index) => made('a', index * 7000))).not.toContain(true)
    expect(times(9, () => made('b', 60_000))).not.toContain(true)
    expect(made('b', 120_001)).toBe(false)
  })

  it('is remembered for a hundred names at most', () => {
    const made = recreations()
    times(9, () => made('first', 0))
    times(100, (index) => made(`issuer-${index}`, 0))
    expect(made('first', 0)).toBe(false)
    times(9, () => made('second', 0))
    times(99, (index) => made(`another-${index}`, 0))
    expect(made('second', 0)).toBe(true)
  })
})
