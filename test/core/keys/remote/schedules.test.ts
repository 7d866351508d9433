import { remoteKeySet } from '@claimgate/core/extend'
import { assert, asyncProperty, check, type RunDetails } from 'fast-check'
import { describe, expect, it } from 'vitest'

import { brokenBounds, wrongAnswers } from '../../../support/resilience/judge.ts'
import { report } from '../../../support/resilience/report.ts'
import { aDay, schedules, type Schedule } from '../../../support/resilience/schedule.ts'
import { simpleKeySet, type Flaw } from '../../../support/resilience/simple-key-set.ts'
import { play, type History, type KeySetUnderTest } from '../../../support/resilience/simulation.ts'
import { tally } from '../../../support/resilience/tally.ts'

// SCHEDULES=10000 for a long run; SCHEDULE_SEED repeats a failed one.
const RUNS = Number(process.env['SCHEDULES'] ?? 1500)
const seed = Number(process.env['SCHEDULE_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff))

type Judge = (history: History) => string[]

const both: Judge = (history) => [...wrongAnswers(history), ...brokenBounds(history)]

/** The property over random schedules, for a given key set. */
async function tryOut(makeKeySet: KeySetUnderTest, judge: Judge, numRuns: number): Promise<RunDetails<[Schedule]>> {
  return check(
    asyncProperty(schedules, async (schedule) => {
      expect(judge(await play(schedule, makeKeySet))).toEqual([])
    }),
    { numRuns, seed, endOnFailure: true },
  )
}

describe(`random schedules of requests, rotations, outages and floods (SCHEDULE_SEED=${seed})`, () => {
  it(`${RUNS} of them: no request with a published key is refused, and the endpoint is called no more often than promised`, async () => {
    const total = tally()
    await assert(
      asyncProperty(schedules, async (schedule) => {
        const history = await play(schedule)
        total.add(history)
        expect(wrongAnswers(history)).toEqual([])
        expect(brokenBounds(history)).toEqual([])
      }),
      { numRuns: RUNS, seed },
    )
    report(`${RUNS} schedules, ${total.describe()}`)
  }, 600_000)

  it('a simulated day takes seconds', async () => {
    const total = tally()
    await assert(
      asyncProperty(aDay, async (schedule) => {
        const history = await play(schedule)
        total.add(history)
        expect(history.seconds).toBeGreaterThanOrEqual(86_400)
        expect(both(history)).toEqual([])
      }),
      { numRuns: 5, seed },
    )
    report(`5 days, ${total.describe()}`)
  }, 120_000)
})

// The first schedule that shows the flaw ends the search, which usually takes a few.
const MOST_SCHEDULES = 10_000

// A judge that never objects proves nothing: each objects to the cache with the flaw it looks for.
describe('the same schedules with a cache that has one flaw', () => {
  const flaws: readonly (readonly [Flaw, RegExp, Judge])[] = [
    ['counts_successes_only', /more than 10 fetches in a minute/, brokenBounds],
    ['counts_successes_only', /in a later minute of an outage/, brokenBounds],
    ['shares_nothing', /in flight at once/, brokenBounds],
    ['waits_not_between', /more than 2 fetches in a minute while fresh/, brokenBounds],
    ['waits_not_between', /in the first minute of an outage/, brokenBounds],
    ['refuses_when_unsure', /a published key was refused/, wrongAnswers],
    ['believes_young_sets', /a published key was refused/, wrongAnswers],
    ['ignores_caches', /a published key was refused/, wrongAnswers],
    ['counts_the_cold_fetch', /a published key was held back/, wrongAnswers],
    ['serves_nothing_stale', /a known key was turned away/, wrongAnswers],
    ['forgets_on_failure', /a known key was turned away/, wrongAnswers],
    ['waits_with_known_keys', /a known key had to wait/, wrongAnswers],
    ['merges', /a withdrawn key outlived a refresh/, wrongAnswers],
    ['never_expires', /a withdrawn key outlived the stale bound/, wrongAnswers],
    ['ignores_unknown_kids', /a published key was refused/, wrongAnswers],
    ['gives_up_for_good', /not found although the endpoint works again/, wrongAnswers],
    ['accepts_unknown_keys', /an unknown key was accepted/, wrongAnswers],
    ['has_no_deadline', /a request waited too long/, wrongAnswers],
  ]

  it.each(flaws)('%s is detected: %s', async (flaw, complaint, judge) => {
    const made: KeySetUnderTest = (uri, options) => simpleKeySet(uri, options, flaw)
    const only: Judge = (history) => judge(history).filter((wrong) => complaint.test(wrong))
    const { failed, counterexample } = await tryOut(made, only, MOST_SCHEDULES)
    expect(failed).toBe(true)
    // The same schedule does not affect ours.
    const [schedule] = counterexample ?? []
    if (!schedule) throw new Error('no schedule')
    expect(both(await play(schedule, remoteKeySet))).toEqual([])
  })
})
