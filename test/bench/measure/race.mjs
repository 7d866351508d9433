/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(times: number) => unknown} run repeats the work this many times; a promise is awaited
 */

/**
 * @typedef {object} RaceOptions
 * @property {number} rounds the number of runs of each contender
 * @property {number} slice milliseconds of each run
 * @property {number} warmUp milliseconds of each contender's warm-up
 * @property {() => number} [random] returns numbers from 0 to 1
 * @property {() => number} [now] returns milliseconds
 */

/**
 * Runs contenders in turns, in many short slices and in another order every round, so that other load on the machine affects
 * all of them alike.
 *
 * @param {readonly Contender[]} contenders
 * @param {RaceOptions} options
 * @returns {Promise<Record<string, number[]>>} microseconds per run, by contender and round
 */
export async function race(contenders, { rounds, slice, warmUp, random = Math.random, now = MONOTONIC }) {
  const times = new Map()
  for (const contender of contenders) times.set(contender, await timesIn(contender, { slice, warmUp, now }))
  const results = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const contender of shuffled(contenders, random))
      results[contender.name].push(await timed(contender, times.get(contender), now))
  return results
}

const MONOTONIC = () => performance.now()

// The warm-up determines how often the work fits into a slice; the last attempt is the warmest.
async function timesIn(contender, { slice, warmUp, now }) {
  let times = 1
  const until = now() + warmUp
  do {
    const microseconds = Math.max(await timed(contender, times, now), 0.001)
    times = Math.max(1, Math.min(times * 10, Math.round((slice * 1000) / microseconds)))
  } while (now() < until)
  return times
}

async function timed({ run }, times, now) {
  const started = now()
  await run(times)
  return ((now() - started) * 1000) / times
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {() => number} random
 * @returns {T[]} the same members in another order (Fisher and Yates)
 */
export function shuffled(list, random) {
  const order = [...list]
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other], order[last]]
  }
  return order
}
