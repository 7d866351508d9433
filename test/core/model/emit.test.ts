import { runInNewContext } from 'node:vm'

import { describe, expect, it, onTestFinished } from 'vitest'

import { emit, type EventListener, type VerifierEvent } from '../../../packages/core/src/model/events.ts'

const nextTurn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Unhandled errors while a listener is called. */
async function unhandledAfter(listener: EventListener): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const remember = (reason: unknown): void => void unhandled.push(reason)
  // The test runner's own listener would fail the run.
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', remember)
  onTestFinished(() => {
    process.off('unhandledRejection', remember)
    for (const other of others) process.on('unhandledRejection', other)
  })
  emit(listener, VERIFIED)
  await nextTurn()
  await nextTurn()
  return unhandled
}

const VERIFIED = { type: 'token.verified', duration: 1, cached: false } as const

describe('a listener', () => {
  it('receives a frozen event', () => {
    const told: VerifierEvent[] = []
    emit((event) => void told.push(event), VERIFIED)
    expect(told).toEqual([VERIFIED])
    expect(Object.isFrozen(told[0])).toBe(true)
  })

  it('is optional', () => {
    expect(() => emit(undefined, VERIFIED)).not.toThrow()
  })

  it.each<[string, EventListener]>([
    [
      'throws',
      () => {
        throw new Error('listener')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('listener'))],
    ['rejects in another realm', () => runInNewContext(`Promise.reject(new Error('listener'))`)],
    [
      'returns a value that throws when awaited',
      () => runInNewContext(`({ get then() { throw new Error('listener') } })`),
    ],
    ['returns another value', () => null],
    ['gives a number', () => 7],
  ])('has no effect if it %s', async (_, listener) => {
    expect(await unhandledAfter(listener)).toEqual([])
  })
})
