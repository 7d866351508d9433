/**
 * The sections, in the order of the page. `core` runs the section's process on one core. `slow` sections take as long at every pace.
 *
 * @type {Readonly<Record<string, { title: string, about: string, charted: boolean, core?: number, slow?: boolean, load: () => Promise<(pace: object) => Promise<object>> }>>}
 */
export const SECTIONS = {
  verify: {
    title: 'Uncached verification',
    about:
      'Microseconds per new token, including all checks (`tokenCache: false`). The base is only `crypto.subtle.verify`, with the same key and bytes. fast-jwt, aws-jwt-verify and jsonwebtoken verify on the event loop: this avoids a thread switch when tokens arrive one at a time, but uses only one core when many are in flight.',
    charted: true,
    load: async () => (await import('./sections/verify.mjs')).verify,
  },
  cached: {
    title: 'Cached verification',
    about:
      'Microseconds per token that was verified before. Each time it is a new string, as it would be in a request. The base is `Map.get` with such a string.',
    charted: true,
    load: async () => (await import('./sections/cached.mjs')).cached,
  },
  dpop: {
    title: 'DPoP',
    about:
      'Microseconds per request with a fresh ES256 proof, including all checks. Claimgate remembers the token and asks its replay store; the peers verify the token each time, and check no replays. The base is `importKey` of the key in the proof, and `crypto.subtle.verify` of the proof. Claimgate keeps the imported keys of 1,000 clients; with 1,200 clients in turn, it imports each key again.',
    charted: true,
    load: async () => (await import('./sections/dpop.mjs')).dpopProofs,
  },
  http: {
    title: 'HTTP',
    about:
      'Requests per second of processor time, for a server on one core, RS256, 32 connections with up to 10 pipelined requests each. The base is the framework without protection; _signature alone_ calls `crypto.subtle.verify` for each token and checks nothing else. Peers that verify on the event loop win rows _one at a time_ above, because no thread has to be woken. That does not carry over to a server, where other requests are in flight: they wait while the event loop verifies, and go on while WebCrypto does. Compare these peers here. Koa is protected as in its recipe.',
    charted: true,
    load: async () => (await import('./sections/http.mjs')).http,
  },
  latency: {
    title: 'Few connections',
    about:
      'Microseconds from a request to its answer, over 1 and 8 connections with one request at a time each, with the same servers. These are times by the clock, so other work on the machine changes them.',
    charted: false,
    load: async () => (await import('./sections/latency.mjs')).latency,
  },
  memory: {
    title: 'Memory',
    about:
      'Memory in use, after garbage collection, over 100,000 requests to a server that has answered 20,000 before.',
    charted: false,
    slow: true,
    load: async () => (await import('./sections/memory.mjs')).memory,
  },
  instructions: {
    title: 'Instructions',
    about:
      'Processor instructions per request, those of the thread pool and of garbage collection included, counted by valgrind for one request after another on one connection, with 500 tokens. Instructions of the kernel are not counted, nor is the time they take. Other work on the machine hardly changes them, so compare them where the times above differ between machines.',
    charted: false,
    slow: true,
    load: async () => (await import('./sections/instructions.mjs')).instructions,
  },
  refusals: {
    title: 'Refusals',
    about: 'Refused tokens per second of processor time on one core, one at a time, including the error.',
    core: 1,
    charted: true,
    load: async () => (await import('./sections/refusals.mjs')).refusals,
  },
  scale: {
    title: 'Scale',
    about: 'The cost of many issuers or keys, compared with one.',
    charted: false,
    load: async () => (await import('./sections/scale.mjs')).scale,
  },
  'event-loop': {
    title: 'Event loop',
    about: 'The delay of a 2 ms timer while RS256 tokens arrive continuously, 64 at once.',
    charted: false,
    load: async () => (await import('./sections/event-loop.mjs')).eventLoop,
  },
  size: {
    title: 'Size and start',
    about: 'The base of the import time is the import of jose, which is part of it.',
    charted: false,
    load: async () => (await import('./sections/size.mjs')).size,
  },
}
