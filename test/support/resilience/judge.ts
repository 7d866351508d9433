import type { SeenFetch } from './endpoint.ts'
import { LONGEST_CACHED } from './schedule.ts'
import { TOLERANCE, type History, type Publication, type SeenRequest } from './simulation.ts'

// The numbers of `docs/threat-model.md`, repeated here, because the judge must not read them from the code that it judges.
const FRESH = 600
const STALE = 3600
const COOLDOWN = 30
const DEADLINE = 5
const SOFT_WAIT = 1
const LONGEST_RETRY_AFTER = 300
// Slightly less than sixty seconds: times are fractions, and fractions are rounded.
const MINUTE = 60 - 1e-6
// Requests that poll do so every 20 ms.
const GRAIN = 0.05

/** A fetch that returned a set in time. */
interface GoodFetch {
  readonly startedAt: number
  readonly at: number
  readonly kids: readonly string[]
  /** Seconds from its start until the set may be used. */
  readonly freshFor: number
}

/**
 * What is wrong with the answers to requests; empty if nothing is:
 *
 * - No token is refused (401) if its key was published before it was issued, and the clock difference is within the tolerance.
 * - No valid token is refused with 503 if its key was in the last set that was available within the stale limit.
 * - A published key is found immediately if a fetch may start.
 * - Once the endpoint works again, every published key is verified after the longest back-off and `Retry-After`.
 * - A withdrawn key is not verified after the next refresh, or beyond the stale limit.
 * - A request with a known key waits at most the soft wait, and every request at most the deadline.
 */
export function wrongAnswers({ requests, publications, fetches, modes }: History): string[] {
  const good = goodFetches(fetches)
  const published = new Map(publications.map((publication) => [publication.kid, publication]))
  return requests.flatMap((request) => {
    const publication = published.get(request.kid)
    const wrong = publication
      ? [
          ...wrongRefusal(request, publication, good),
          ...wrongAcceptance(request, publication, good),
          ...lateRecovery(request, publication, modes),
          ...needlessDelay(request, publication, { modes, fetches }),
        ]
      : request.verdict === 'verified'
        ? ['an unknown key was accepted']
        : []
    if (request.answeredAt - request.askedAt > DEADLINE + GRAIN) wrong.push('a request waited too long')
    return wrong.map((what) => `${what}: ${JSON.stringify(request)}`)
  })
}

function wrongRefusal(request: SeenRequest, { from, until, kid }: Publication, good: readonly GoodFetch[]): string[] {
  const { askedAt, answeredAt, issuedAt, ahead, verdict } = request
  // If a key is withdrawn while a request waits, both answers are correct.
  if (until <= answeredAt) return []
  if (verdict.startsWith('401') && from <= issuedAt && ahead < TOLERANCE) return ['a published key was refused']
  const last = good.findLast(({ at }) => at <= askedAt)
  // A cache may return an older set than before.
  const latest = good.findLast(({ at }) => at <= answeredAt)
  if (!last?.kids.includes(kid) || !latest?.kids.includes(kid) || answeredAt - last.startedAt >= last.freshFor + STALE)
    return []
  if (verdict !== 'verified') return ['a known key was turned away']
  return answeredAt - askedAt > SOFT_WAIT + GRAIN ? ['a known key had to wait'] : []
}

function wrongAcceptance(request: SeenRequest, { until, kid }: Publication, good: readonly GoodFetch[]): string[] {
  if (request.verdict !== 'verified') return []
  const last = good.findLast(({ at }) => at < request.askedAt)
  // A cache may return an older set than before.
  const latest = good.findLast(({ at }) => at <= request.answeredAt)
  const isGone = !last?.kids.includes(kid) && !latest?.kids.includes(kid)
  if (last && last.startedAt >= until && isGone) return ['a withdrawn key outlived a refresh']
  const longest = Math.max(FRESH, ...good.map(({ freshFor }) => freshFor)) + STALE + DEADLINE + LONGEST_CACHED
  return request.askedAt > until + longest ? ['a withdrawn key outlived the stale bound'] : []
}

function lateRecovery(request: SeenRequest, { from, until }: Publication, modes: History['modes']): string[] {
  if (request.verdict === 'verified' || until <= request.answeredAt) return []
  const cached = cachedFor(request, modes)
  if (cached === undefined || request.askedAt - from <= MINUTE + DEADLINE + cached) return []
  return ['a published key was not found although the endpoint works again']
}

/** Checks for a key that a fetch would return and that was not found although a fetch could start. */
function needlessDelay(
  request: SeenRequest,
  { from, until }: Publication,
  { modes, fetches }: Pick<History, 'modes' | 'fetches'>,
): string[] {
  const { askedAt, answeredAt, verdict } = request
  if (verdict === 'verified' || until <= answeredAt) return []
  const cached = cachedFor(request, modes)
  if (cached === undefined || askedAt - from < cached) return []
  const starts = withoutColdFetch(fetches)
    .map(({ startedAt }) => startedAt)
    .filter((startedAt) => startedAt <= askedAt)
  const isHeld =
    askedAt - (starts.at(-1) ?? -Infinity) < COOLDOWN + DEADLINE || askedAt - (starts.at(-2) ?? -Infinity) < MINUTE
  return isHeld ? [] : ['a published key was held back']
}

/** The cache time of the endpoint's answers in seconds, if it has answered successfully for longer than any back-off. */
function cachedFor({ askedAt, answeredAt }: SeenRequest, modes: History['modes']): number | undefined {
  const current = modes.findLast(({ since }) => since <= askedAt)
  const changes = modes.some(({ since }) => since > askedAt && since <= answeredAt)
  if (current?.mode.kind !== 'well' || current.mode.latency > DEADLINE - 1 || changes) return undefined
  const wellFor = askedAt - current.since
  return wellFor > LONGEST_RETRY_AFTER + MINUTE + 2 * DEADLINE ? (current.mode.age ?? 0) : undefined
}

/** The fetches without the one that ended the cold start, which does not count towards the limit of a fresh set. */
function withoutColdFetch(fetches: readonly SeenFetch[]): readonly SeenFetch[] {
  const cold = fetches.findIndex(isGood)
  return fetches.filter((_, index) => index !== cold)
}

/** What is wrong with the rate of fetches; empty if nothing is. */
export function brokenBounds({ fetches, mostInFlight }: History): string[] {
  const wrong = mostInFlight > 1 ? [`${mostInFlight} fetches were in flight at once`] : []
  const starts = fetches.map(({ startedAt }) => startedAt)
  for (const [index, startedAt] of starts.entries()) {
    const before = (count: number): number => startedAt - (starts[index - count] ?? -Infinity)
    if (before(10) < MINUTE) wrong.push(`more than 10 fetches in a minute, at ${startedAt}`)
  }
  const counted = withoutColdFetch(fetches)
  for (const [index, fetch] of counted.entries()) {
    const { startedAt } = fetch
    const isThird = startedAt - (counted[index - 2]?.startedAt ?? -Infinity) < MINUTE
    if (isThird && isFresh(fetches.slice(0, fetches.indexOf(fetch)), startedAt))
      wrong.push(`more than 2 fetches in a minute while fresh, at ${startedAt}`)
  }
  for (const streak of failingStreaks(fetches)) {
    const [began = 0] = streak
    const inFirstMinute = streak.filter((at) => at < began + MINUTE).length
    if (inFirstMinute > 7) wrong.push(`${inFirstMinute} fetches in the first minute of an outage, from ${began}`)
    const later = streak.filter((at) => at >= began + MINUTE)
    for (const [index, at] of later.entries())
      if (at - (later[index - 2] ?? -Infinity) < MINUTE)
        wrong.push(`more than 2 fetches in a later minute of an outage, at ${at}`)
  }
  return wrong
}

function isFresh(fetches: readonly SeenFetch[], now: number): boolean {
  const last = goodFetches(fetches).findLast(({ at }) => at <= now)
  return last !== undefined && now - last.startedAt < last.freshFor
}

/** The starts of consecutive failed fetches. */
function failingStreaks(fetches: readonly SeenFetch[]): number[][] {
  const streaks: number[][] = [[]]
  for (const fetch of fetches) {
    if (isGood(fetch)) streaks.push([])
    else streaks.at(-1)?.push(fetch.startedAt)
  }
  return streaks.filter(({ length }) => length > 0)
}

function goodFetches(fetches: readonly SeenFetch[]): GoodFetch[] {
  return fetches.filter(isGood).map(({ startedAt, answer: { at, kids, maxAge = FRESH } }) => ({
    startedAt,
    at,
    kids,
    freshFor: maxAge,
  }))
}

function isGood(fetch: SeenFetch): fetch is SeenFetch & Required<Pick<SeenFetch, 'answer'>> {
  return fetch.answer !== undefined && fetch.answer.at - fetch.startedAt < DEADLINE
}
