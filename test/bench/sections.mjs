/**
 * What is measured, in the order of the page. `core` keeps the section's process to one core.
 *
 * @type {Readonly<Record<string, { title: string, about: string, charted: boolean, core?: number, load: () => Promise<(pace: object) => Promise<object>> }>>}
 */
export const SECTIONS = {
  verify: {
    title: 'Uncached verification',
    about:
      'Microseconds for one token that was never seen before, all checks included (`tokenCache: false`). The base is `crypto.subtle.verify` alone, with the same key and bytes. fast-jwt, aws-jwt-verify and jsonwebtoken verify on the event loop itself: that saves the way to another thread and back when tokens come one at a time, and uses one core when many are in flight.',
    charted: true,
    load: async () => (await import('./sections/verify.mjs')).verify,
  },
  cached: {
    title: 'Cached verification',
    about:
      'Microseconds for one token that was verified before, in a string of its own each time, as out of a request. The base is `Map.get` with such a string.',
    charted: true,
    load: async () => (await import('./sections/cached.mjs')).cached,
  },
  http: {
    title: 'HTTP',
    about:
      'Requests answered in a second of processor time, by a server on one core, RS256, 32 connections with up to 10 requests ahead on each. The base is the framework without any protection; _signature alone_ calls `crypto.subtle.verify` on each token and checks nothing else.',
    charted: true,
    load: async () => (await import('./sections/http.mjs')).http,
  },
  refusals: {
    title: 'Refusals',
    about: 'Tokens refused in a second of processor time on one core, one after the other, the error included.',
    core: 1,
    charted: true,
    load: async () => (await import('./sections/refusals.mjs')).refusals,
  },
  scale: {
    title: 'Scale',
    about: 'What many of a kind cost in comparison with one.',
    charted: false,
    load: async () => (await import('./sections/scale.mjs')).scale,
  },
  'event-loop': {
    title: 'Event loop',
    about: 'How late a timer of 2 ms is while RS256 tokens keep arriving, 64 at once.',
    charted: false,
    load: async () => (await import('./sections/event-loop.mjs')).eventLoop,
  },
  size: {
    title: 'Size and start',
    about: 'The base of the import time is importing jose, which is a part of it.',
    charted: false,
    load: async () => (await import('./sections/size.mjs')).size,
  },
}
