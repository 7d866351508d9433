import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { PARAMETER_STORE } from '../../../packages/issuer/src/aws/aws-errors.ts'
import { requestAws } from '../../../packages/issuer/src/aws/aws-request.ts'

const REQUEST = { action: 'load key', timeout: 5 }

const withFakeTimers = (): void => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

describe('a request to AWS', () => {
  it('leaves no timer behind, whether it succeeds or fails', async () => {
    withFakeTimers()
    const timers: number[] = []
    const send = async (): Promise<string> => {
      timers.push(vi.getTimerCount())
      return 'answer'
    }
    expect(await requestAws(PARAMETER_STORE, REQUEST, send)).toBe('answer')
    expect([...timers, vi.getTimerCount()]).toEqual([1, 0])
    const failing = requestAws(PARAMETER_STORE, REQUEST, () => Promise.reject(new Error('down')))
    await expect(failing).rejects.toMatchObject({ name: 'ParameterStoreError' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is aborted once its time is up, and not before', async () => {
    withFakeTimers()
    let signal: AbortSignal | undefined
    const answer = requestAws(PARAMETER_STORE, REQUEST, (given) => {
      signal = given
      return new Promise(() => undefined)
    })
    vi.advanceTimersByTime(4999)
    expect(signal?.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(signal?.aborted).toBe(true)
    await expect(answer).rejects.toMatchObject({ code: 'parameter_store_timeout' })
  })
})
