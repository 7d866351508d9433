import { describe, expect, it } from 'vitest'
import { recreations } from '../../../packages/core/src/model/memory.ts'

const times = (count: number, made: (index: number) => boolean): readonly boolean[] =>
  Array.from({ length: count }, (_, index) => made(index))

describe('repeated creation', () => {
  it('is reported once, at the tenth creation within a minute', () => {
    const made = recreations()
    const answers = times(200, () => made('a', 1000))
    expect(answers.indexOf(true)).toBe(9)
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  it('is counted by name', () => {
    const made = recreations()
    expect(times(50, (index) => made(`issuer-${index % 25}`, 0))).not.toContain(true)
  })

  it('is not reported for fewer than ten in a minute', () => {
    const made = recreations()
    expect(times(100, (index) => made('a', index * 7000))).not.toContain(true)
    expect(times(9, () => made('b', 60_000))).not.toContain(true)
    expect(made('b', 120_001)).toBe(false)
    times(9, () => made('c', 60_000))
    expect(made('c', 120_000)).toBe(true)
  })

  it('is counted from the beginning if the clock goes back', () => {
    const made = recreations()
    times(9, () => made('a', 60_000))
    expect(made('a', 59_999)).toBe(false)
  })

  it('is tracked for at most a hundred names', () => {
    const made = recreations()
    times(9, () => made('first', 0))
    times(100, (index) => made(`issuer-${index}`, 0))
    expect(made('first', 0)).toBe(false)
    times(9, () => made('second', 0))
    times(99, (index) => made(`another-${index}`, 0))
    expect(made('second', 0)).toBe(true)
  })
})
