import { array, constant, constantFrom, integer, oneof, record, type Arbitrary } from 'fast-check'

import type { EndpointMode } from './endpoint.ts'

export type Action =
  /** A valid token of the newest key, or of one this many before it, issued this many seconds ago. */
  | { readonly kind: 'request'; readonly key: number; readonly age: number }
  /** A token with an existing key ID and a wrong signature. */
  | { readonly kind: 'forge'; readonly key: number }
  | { readonly kind: 'publish' }
  /** The oldest key is withdrawn, unless it is the only one. */
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'endpoint'; readonly mode: EndpointMode }
  /** Wall time is changed by this many seconds. */
  | { readonly kind: 'step'; readonly seconds: number }
  /** Unknown key IDs, one every this many seconds, and a valid token with each. */
  | { readonly kind: 'flood'; readonly times: number; readonly every: number }

export interface Schedule {
  /** Seconds by which the issuer's clock is ahead of true time. */
  readonly skew: number
  /** Seeds the jitter. */
  readonly jitter: number
  readonly sharing: 'promise' | 'poll'
  /** Where sets are also stored. */
  readonly store: 'none' | 'memory'
  /** Each comes this many seconds after the previous one. */
  readonly steps: readonly { readonly after: number; readonly action: Action }[]
}

const seconds = (least: number, most: number): Arbitrary<number> =>
  integer({ min: least * 10, max: most * 10 }).map((tenths) => tenths / 10)

const gap = oneof(
  { weight: 3, arbitrary: constant(0) },
  { weight: 4, arbitrary: seconds(0, 5) },
  { weight: 4, arbitrary: seconds(1, 70) },
  { weight: 3, arbitrary: seconds(60, 700) },
  { weight: 1, arbitrary: seconds(600, 6000) },
)

/** The maximum cache time of a set in seconds. */
export const LONGEST_CACHED = 400

// Most tokens are new, some are old, and a few are older than the key that they name.
const tokenAge = oneof(constant(0), seconds(0, 70), seconds(60, 900))

const wellMode: Arbitrary<EndpointMode> = oneof(
  {
    weight: 5,
    arbitrary: record({
      kind: constant('well' as const),
      // Up to more than the deadline of 5 s.
      latency: oneof(seconds(0, 1), seconds(0, 8)),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      kind: constant('well' as const),
      latency: seconds(0, 1),
      maxAge: integer({ min: 60, max: 7200 }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      kind: constant('well' as const),
      latency: seconds(0, 1),
      age: integer({ min: 1, max: LONGEST_CACHED }),
    }),
  },
)

const mode: Arbitrary<EndpointMode> = oneof(
  { weight: 7, arbitrary: wellMode },
  { weight: 3, arbitrary: constant({ kind: 'refuse' as const }) },
  { weight: 2, arbitrary: constant({ kind: 'hang' as const }) },
  { weight: 2, arbitrary: record({ kind: constant('garbage' as const), latency: seconds(0, 6) }) },
  { weight: 2, arbitrary: record({ kind: constant('status' as const), status: constantFrom(404, 500, 503) }) },
  {
    weight: 2,
    arbitrary: record({
      kind: constant('status' as const),
      status: constant(429),
      retryAfter: integer({ min: 0, max: 900 }),
    }),
  },
)

const request: Arbitrary<Action> = record({
  kind: constant('request' as const),
  key: integer({ min: 0, max: 2 }),
  age: tokenAge,
})

const action: Arbitrary<Action> = oneof(
  { weight: 10, arbitrary: request },
  { weight: 2, arbitrary: record({ kind: constant('forge' as const), key: integer({ min: 0, max: 2 }) }) },
  { weight: 2, arbitrary: constant({ kind: 'publish' as const }) },
  { weight: 2, arbitrary: constant({ kind: 'withdraw' as const }) },
  { weight: 4, arbitrary: record({ kind: constant('endpoint' as const), mode }) },
  {
    weight: 1,
    arbitrary: record({
      kind: constant('step' as const),
      seconds: constantFrom(86_400, -86_400, 600, -600, -1, 20, -20),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      kind: constant('flood' as const),
      times: integer({ min: 1, max: 25 }),
      every: oneof(seconds(0, 2), seconds(1, 40)),
    }),
  },
)

// The events of key rotations under a flood, at short intervals.
const rotation: Arbitrary<Action> = oneof(
  { weight: 6, arbitrary: request },
  { weight: 3, arbitrary: constant({ kind: 'publish' as const }) },
  { weight: 1, arbitrary: record({ kind: constant('endpoint' as const), mode: wellMode }) },
  {
    weight: 2,
    arbitrary: record({ kind: constant('flood' as const), times: integer({ min: 1, max: 5 }), every: seconds(0, 12) }),
  },
)

const steps = oneof(
  {
    weight: 4,
    arbitrary: array(record({ after: gap, action }), { minLength: 1, maxLength: 50, size: 'max' }),
  },
  {
    weight: 1,
    arbitrary: array(record({ after: seconds(0, 40), action: rotation }), { minLength: 1, maxLength: 50, size: 'max' }),
  },
)

/** Schedules of several hours: requests, rotations, outages and floods in any order. */
export const schedules: Arbitrary<Schedule> = record({
  skew: integer({ min: -40, max: 40 }),
  jitter: integer({ min: 0, max: 0xffff }),
  sharing: oneof(
    { weight: 9, arbitrary: constant('promise' as const) },
    { weight: 1, arbitrary: constant('poll' as const) },
  ),
  store: oneof(
    { weight: 3, arbitrary: constant('none' as const) },
    { weight: 1, arbitrary: constant('memory' as const) },
  ),
  steps,
})

const DAY = 86_400
const quarters = array(
  oneof(
    { weight: 12, arbitrary: constant<readonly Action[]>([]) },
    { weight: 2, arbitrary: constant<readonly Action[]>([{ kind: 'publish' }]) },
    { weight: 2, arbitrary: constant<readonly Action[]>([{ kind: 'withdraw' }]) },
    { weight: 5, arbitrary: mode.map<readonly Action[]>((next) => [{ kind: 'endpoint', mode: next }]) },
    { weight: 2, arbitrary: constant<readonly Action[]>([{ kind: 'flood', times: 20, every: 3 }]) },
  ),
  { minLength: 96, maxLength: 96 },
)

/** A day with a request every twenty seconds, and a possible event every quarter of an hour. */
export const aDay: Arbitrary<Schedule> = record({
  skew: integer({ min: -55, max: 55 }),
  jitter: integer({ min: 0, max: 0xffff }),
  sharing: constant('promise' as const),
  store: constant('none' as const),
  steps: quarters.map((happenings) =>
    happenings.flatMap((actions) => [
      ...actions.map((happening) => ({ after: 0, action: happening })),
      ...Array.from({ length: DAY / 96 / 20 }, (_, index) => ({
        after: 20,
        action: { kind: 'request' as const, key: index % 2, age: index % 3 === 0 ? 0 : index },
      })),
    ]),
  ),
})
