import { remoteKeySet } from '@claimgate/core/extend'
import fc, { type RunDetails } from 'fast-check'
import { describe, expect, it } from 'vitest'

import { brokenBounds, wrongAnswers } from './support/judge.ts'
import { aDay, schedules, type Schedule } from './support/schedule.ts'
import { simpleKeySet, type Flaw } from './support/simple-key-set.ts'
import { play, type History, type KeySetUnderTest } from './support/simulation.ts'
import { tally } from './support/tally.ts'

// SCHEDULES=10000 for a long run; SCHEDULE_SEED repeats one that failed.
const RUNS = Number(process.env['SCHEDULES'] ?? 1500)
const seed = Number(process.env['SCHEDULE_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff))

type Judge = (history: History) => string[]

const both: Judge = (history) => [...wrongAnswers(history), ...brokenBounds(history)]

/** The property over random schedules, for a key set of choice. */
async function tryOut(makeKeySet: KeySetUnderTest, judge: Judge, numRuns: number): Promise<RunDetails<[Schedule]>> {
  return fc.check(
    fc.asyncProperty(schedules, async (schedule) => {
      expect(judge(await play(schedule, makeKeySet))).toEqual([])
    }),
    { numRuns, seed, endOnFailure: true },
  )
}

describe(`random schedules of requests, rotations, outages and floods (SCHEDULE_SEED=${seed})`, () => {
  it(`${RUNS} of them: no request with a published key is refused, and the endpoint is asked no more often than promised`, async () => {
    const total = tally()
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const history = await play(schedule)
        total.add(history)
        expect(wrongAnswers(history)).toEqual([])
        expect(brokenBounds(history)).toEqual([])
      }),
      { numRuns: RUNS, seed },
    )
    console.log(`${RUNS} schedules, ${total.describe()}`)
  }, 600_000)

  it('a day of it passes in seconds', async () => {
    const total = tally()
    await fc.assert(
      fc.asyncProperty(aDay, async (schedule) => {
        const history = await play(schedule)
        total.add(history)
        expect(history.seconds).toBeGreaterThanOrEqual(86_400)
        expect(both(history)).toEqual([])
      }),
      { numRuns: 5, seed },
    )
    console.log(`5 days, ${total.describe()}`)
  }, 120_000)
})

// A judge that never objects proves nothing: each objects to the cache that has the flaw it looks for.
describe('the same schedules against a cache with one flaw', () => {
  const flaws: readonly (readonly [Flaw, Judge, RegExp])[] = [
    ['counts_successes_only', brokenBounds, /more than 10 fetches in a minute/],
    ['counts_successes_only', brokenBounds, /in a later minute of an outage/],
    ['shares_nothing', brokenBounds, /in flight at once/],
    ['waits_not_between', brokenBounds, /more than 2 fetches in a minute while fresh/],
    ['waits_not_between', brokenBounds, /in the first minute of an outage/],
    ['refuses_when_unsure', wrongAnswers, /a published key was refused/],
    ['serves_nothing_stale', wrongAnswers, /a known key was turned away/],
    ['forgets_on_failure', wrongAnswers, /a known key was turned away/],
    ['waits_with_known_keys', wrongAnswers, /a known key had to wait/],
    ['merges', wrongAnswers, /a withdrawn key outlived a refresh/],
    ['never_expires', wrongAnswers, /a withdrawn key outlived the stale bound/],
    ['ignores_unknown_kids', wrongAnswers, /a published key was refused/],
    ['gives_up_for_good', wrongAnswers, /not found although the endpoint works again/],
    ['lets_strangers_in', wrongAnswers, /a stranger was let in/],
    ['has_no_deadline', wrongAnswers, /a request waited too long/],
  ]

  it.each(flaws)('that %s, as %o sees: %s', async (flaw, judge, complaint) => {
    const made: KeySetUnderTest = (uri, options) => simpleKeySet(uri, options, flaw)
    const only: Judge = (history) => judge(history).filter((wrong) => complaint.test(wrong))
    const { failed, counterexample } = await tryOut(made, only, 1000)
    expect(failed).toBe(true)
    // What brought that one down does nothing to ours.
    const [schedule] = counterexample ?? []
    if (!schedule) throw new Error('no schedule')
    expect(both(await play(schedule, remoteKeySet))).toEqual([])
  })
})
