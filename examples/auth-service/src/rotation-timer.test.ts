import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startAuthService } from './index.ts'
import { startRotationTimer } from './rotation-timer.ts'

describe('the rotation timer', () => {
  it('does not keep the program alive', () => {
    const alive = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = alive()
    const timer = startRotationTimer(60, async () => undefined)
    expect(alive()).toBe(before)
    timer.stop()
  })
})

describe('the rotation timer, with a manual clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('rotates once per interval until it is stopped', () => {
    let rotations = 0
    const timer = startRotationTimer(10, async () => {
      rotations += 1
    })
    vi.advanceTimersByTime(9999)
    expect(rotations).toBe(0)
    vi.advanceTimersByTime(20_001)
    expect(rotations).toBe(3)
    timer.stop()
    vi.advanceTimersByTime(60_000)
    expect(rotations).toBe(3)
  })

  it('reports a failed rotation and tries again at the next interval', async () => {
    const reported = vi.spyOn(console, 'error').mockReturnValue(undefined)
    let rotations = 0
    const timer = startRotationTimer(10, async () => {
      rotations += 1
      throw new Error('no key today')
    })
    await vi.advanceTimersByTimeAsync(20_000)
    timer.stop()
    expect(rotations).toBe(2)
    expect(reported).toHaveBeenCalledTimes(2)
  })

  it('stops with the service', async () => {
    const service = await startAuthService({ rotateEverySeconds: 10 })
    await service.close()
    await service.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
