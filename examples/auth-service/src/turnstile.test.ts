import { describe, expect, it } from 'vitest'
import { createTurnstile } from './turnstile.ts'

describe('the turnstile', () => {
  it('runs a limited number at once, queues a limited number in order, and rejects the rest', async () => {
    const turnstile = createTurnstile({ atOnce: 2, waiting: 2 })
    const begun: string[] = []
    const finish: (() => void)[] = []
    const enter = (name: string): Promise<string> | undefined =>
      turnstile.enter(async () => {
        begun.push(name)
        await new Promise<void>((resolve) => finish.push(resolve))
        return name
      })
    const entered = ['a', 'b', 'c', 'd'].map(enter)
    expect(enter('e')).toBeUndefined()
    expect(begun).toEqual(['a', 'b'])

    finish[0]?.()
    expect(await entered[0]).toBe('a')
    await expect.poll(() => begun).toEqual(['a', 'b', 'c'])
    entered.push(enter('f'))
    expect(enter('g')).toBeUndefined()

    for (const place of [1, 2, 3, 4]) {
      await expect.poll(() => finish.length).toBeGreaterThan(place)
      finish[place]?.()
    }
    expect(await Promise.all(entered.map(async (one) => one))).toEqual(['a', 'b', 'c', 'd', 'f'])
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'f'])
  })

  it('passes the place of a failed action to the next', async () => {
    const turnstile = createTurnstile({ atOnce: 1, waiting: 1 })
    const failing = turnstile.enter(async () => Promise.reject(new Error('no')))
    const next = turnstile.enter(async () => 'done')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('done')
    expect(await turnstile.enter(async () => 'again')).toBe('again')
  })
})
