import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { answeredWithin, answerOf, checkDeadline } from '../../../packages/core/src/errors/deadline.ts'

const thrownBy = (asked: Promise<unknown>): Promise<Error> =>
  asked.then(
    () => expect.unreachable(),
    (error: Error) => error,
  )

describe('an answer of the application', () => {
  const hang = (): Promise<never> => new Promise<never>(() => {})

  it('that is there at once starts no timer', async () => {
    const clock = { setTimeout: () => expect.unreachable('started a timer') }
    const deadline = { late: 'x', seconds: 5, clock }
    expect(await answeredWithin(deadline, async () => 'a')).toBe('a')
    const failure = new Error('no')
    expect(await thrownBy(answeredWithin(deadline, () => Promise.reject(failure)))).toBe(failure)
  })

  it('is waited for until its deadline, and its timer ends with it', async () => {
    const clock = createTestClock()
    let answer: (text: string) => void = () => {}
    const given = new Promise<string>((resolve) => (answer = resolve))
    const asked = answeredWithin({ late: 'x', seconds: 5, clock }, () => given)
    await clock.advanceAsync(4999)
    expect(clock.pending()).toBe(1)
    answer('b')
    expect(await asked).toBe('b')
    expect(clock.pending()).toBe(0)
  })

  it.each<readonly [string | (() => Error), string]>([
    ['The store', 'The store has not answered within 5 s'],
    [() => new Error('own'), 'own'],
  ])('that does not come is the error of %s', async (late, message) => {
    const clock = createTestClock()
    const error = thrownBy(answeredWithin({ late, seconds: 5, clock }, hang))
    await clock.advanceAsync(5000)
    expect((await error).message).toBe(message)
    expect(clock.pending()).toBe(0)
  })

  it('must be a promise, and begins its work once', async () => {
    const clock = createTestClock()
    const deadline = { late: 'x', seconds: 5, clock }
    expect(await thrownBy(answeredWithin(deadline, () => 'a' as never))).toEqual(
      new TypeError('An answer was given without a promise'),
    )
    let begun = 0
    // oxlint-disable-next-line unicorn/no-thenable -- the subject of the test
    const lazy = { then: (resolve: (text: string) => void) => (begun += 1) && resolve('c') }
    expect(await answeredWithin(deadline, () => lazy as never)).toBe('c')
    expect(begun).toBe(1)
  })

  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw undefined as unknown as Error
      },
    ],
    [
      'rejects with',
      async () => {
        throw null as unknown as Error
      },
    ],
  ])('that %s no error is one', async (_, ask) => {
    const clock = createTestClock()
    expect(await thrownBy(answeredWithin({ late: 'x', seconds: 5, clock }, ask as never))).toBeInstanceOf(TypeError)
  })

  it('that decides about a request is 503 if it fails or is late, and its own refusal otherwise', async () => {
    const clock = createTestClock()
    expect([await answerOf('hook', clock, () => 1), await answerOf('hook', clock, async () => 2)]).toEqual([1, 2])
    const cause = new Error('away')
    const failed = await thrownBy(answerOf('hook', clock, () => Promise.reject(cause)))
    expect(failed).toMatchObject({ code: 'check_unavailable', actual: '"hook"', cause })
    const refusal = new AuthError('token_expired')
    expect(await thrownBy(answerOf('hook', clock, () => Promise.reject(refusal)))).toBe(refusal)
    const late = thrownBy(answerOf('hook', clock, hang))
    await clock.advanceAsync(9999)
    expect(clock.pending()).toBe(1)
    await clock.advanceAsync(1)
    expect(await late).toMatchObject({ code: 'check_unavailable', actual: '"hook"' })
    expect((await late).cause).toBeUndefined()
    expect(checkDeadline('hook', clock)).toMatchObject({ seconds: 10 })
  })
})
