import { describe, expect, it } from 'vitest'
import { createBackgroundWork } from './background-work.ts'

describe('background work', () => {
  it('is in progress until it resolves or rejects', async () => {
    const work = createBackgroundWork(() => 0)
    expect(work.isUnderWay()).toBe(false)
    const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    work.begun(one.promise)
    work.begun(other.promise)
    let ended = false
    const all = work.ended().then(() => {
      ended = true
    })

    one.resolve()
    await one.promise
    expect([work.isUnderWay(), ended]).toEqual([true, false])
    other.reject(new Error('lost'))
    await all
    expect(work.isUnderWay()).toBe(false)
  })

  it('does not delay a request once its own request must have been cancelled', async () => {
    let now = 0
    const work = createBackgroundWork(() => now)
    work.begun(new Promise(() => {}))
    now = 10_000
    expect(work.isUnderWay()).toBe(true)
    now = 10_001
    expect(work.isUnderWay()).toBe(false)
    await work.ended()
  })
})
