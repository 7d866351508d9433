import type { DenylistEntry, DenylistStore } from '@claimgate/core/denylist'

type Entries = Map<string, DenylistEntry>
type Flaw = Partial<{
  /** Changes a key before it is used. */
  key: (key: string) => string
  /** The entry after one has been added to another, or to none. */
  combine: (added: DenylistEntry, held: DenylistEntry | undefined) => DenylistEntry | undefined
  /** Whether an entry is returned at this time. */
  holds: (entry: DenylistEntry, now: number) => boolean
  /** Changes the answers before they are returned. */
  answer: (answers: readonly (number | undefined)[], keys: readonly string[]) => readonly unknown[]
  /** Called for all entries whenever one is added. */
  afterwards: (entries: Entries, now: number) => void
}>

const greater = (added: DenylistEntry, held: DenylistEntry = added): DenylistEntry => ({
  issuedUpTo: Math.max(added.issuedUpTo, held.issuedUpTo),
  expiresAt: Math.max(added.expiresAt, held.expiresAt),
})

const storeWith =
  ({ key: keyOf = (key) => key, combine = greater, holds, answer, afterwards }: Flaw = {}) =>
  (now: () => number): DenylistStore => {
    const entries: Entries = new Map()
    return {
      find: async (keys) => {
        const answers = keys.map((key) => {
          const entry = entries.get(keyOf(key))
          return entry !== undefined && (holds?.(entry, now()) ?? entry.expiresAt > now())
            ? entry.issuedUpTo
            : undefined
        })
        return (answer?.(answers, keys) ?? answers) as typeof answers
      },
      add: async (key, entry) => {
        const held = entries.get(keyOf(key))
        const combined = combine(entry, held !== undefined && held.expiresAt > now() ? held : undefined)
        if (combined !== undefined) entries.set(keyOf(key), combined)
        afterwards?.(entries, now())
      },
    }
  }

const glob = (key: string): string =>
  RegExp.escape(key)
    .replaceAll(String.raw`\*`, '.*')
    .replaceAll(String.raw`\?`, '.')

/** A store without a flaw, made of the same parts. */
export const soundStore: (now: () => number) => DenylistStore = storeWith()

/** Stores with one flaw each, of kinds that are easy to write. */
export const FLAWED_STORES: Readonly<Record<string, (now: () => number) => DenylistStore>> = {
  'keeps nothing': storeWith({ combine: () => undefined }),
  'never expires entries and answers every key': storeWith({ answer: (answers) => answers.map(() => 7) }),
  'confuses seconds with milliseconds': storeWith({ holds: ({ expiresAt }, now) => expiresAt > now * 1000 }),
  'keeps the last issuedUpTo': storeWith({
    combine: (added, held) => ({ ...greater(added, held), issuedUpTo: added.issuedUpTo }),
  }),
  'keeps the first issuedUpTo': storeWith({
    combine: (added, held) => ({ ...greater(added, held), issuedUpTo: (held ?? added).issuedUpTo }),
  }),
  'keeps the last expiry': storeWith({
    combine: (added, held) => ({ ...greater(added, held), expiresAt: added.expiresAt }),
  }),
  'keeps the first expiry': storeWith({
    combine: (added, held) => ({ ...greater(added, held), expiresAt: (held ?? added).expiresAt }),
  }),
  'overwrites the entry if issuedUpTo is greater': storeWith({
    combine: (added, held) => (held !== undefined && held.issuedUpTo >= added.issuedUpTo ? held : added),
  }),
  'compares numbers as text': storeWith({
    combine: (added, held) => ({
      ...greater(added, held),
      issuedUpTo:
        held !== undefined && String(held.issuedUpTo) > String(added.issuedUpTo) ? held.issuedUpTo : added.issuedUpTo,
    }),
  }),
  'omits an answer of 0': storeWith({ answer: (answers) => answers.map((found) => found || undefined) }),
  'stores numbers in 32 bits': storeWith({
    combine: (added, held) => ({ ...greater(added, held), issuedUpTo: greater(added, held).issuedUpTo | 0 }),
  }),
  'answers only with entries it found': storeWith({
    answer: (answers) => answers.filter((found) => found !== undefined),
  }),
  'answers null for missing keys': storeWith({ answer: (answers) => answers.map((found) => found ?? null) }),
  'answers true': storeWith({ answer: (answers) => answers.map((found) => (found === undefined ? undefined : true)) }),
  'answers each key once': storeWith({
    answer: (answers, keys) => [...new Map(keys.map((key, index) => [key, answers[index]])).values()],
  }),
  'looks up only the first key': storeWith({
    answer: ([first], keys) => keys.map((_, at) => (at === 0 ? first : undefined)),
  }),
  'answers in order of the keys': storeWith({
    answer: (answers, keys) =>
      keys
        .map((key, index) => ({ key, found: answers[index] }))
        .toSorted((one, other) => one.key.localeCompare(other.key))
        .map(({ found }) => found),
  }),
  'ignores case': storeWith({ key: (key) => key.toLowerCase() }),
  'trims keys': storeWith({ key: (key) => key.trim() }),
  'truncates keys': storeWith({ key: (key) => key.slice(0, 128) }),
  'unescapes keys': storeWith({ key: (key) => (key.includes('%2F') ? decodeURIComponent(key) : key) }),
  'treats keys as paths': storeWith({ key: (key) => new URL(`file:///${encodeURI(key)}`).pathname }),
  'evicts the oldest entries': storeWith({
    afterwards: (entries) => {
      const [oldest] = entries.keys()
      if (entries.size > 1000 && oldest !== undefined) entries.delete(oldest)
    },
  }),
  'drops all entries when one expires': storeWith({
    afterwards: (entries, now) => {
      if ([...entries.values()].some(({ expiresAt }) => expiresAt <= now)) entries.clear()
    },
  }),
  'keeps entries in an object': () => {
    const entries: Record<string, number> = {}
    return {
      find: async (keys) => keys.map((key) => entries[key]),
      add: async (key, { issuedUpTo }) => {
        entries[key] = Math.max(issuedUpTo, entries[key] ?? 0)
      },
    }
  },
  'finds keys by their prefix': (now) => {
    const sound = soundStore(now)
    const known: string[] = []
    return {
      find: async (keys) => sound.find(keys.map((key) => known.find((other) => other.startsWith(key)) ?? key)),
      add: async (key, entry) => {
        known.push(key)
        await sound.add(key, entry)
      },
    }
  },
  'treats keys as patterns': (now) => {
    const sound = soundStore(now)
    const known: string[] = []
    const matching = (pattern: RegExp): string | undefined => known.find((key) => pattern.test(key))
    return {
      find: async (keys) =>
        sound.find(keys.map((key) => (key.includes('*') ? (matching(new RegExp(`^${glob(key)}$`)) ?? key) : key))),
      add: async (key, entry) => {
        known.push(key)
        await sound.add(key, entry)
      },
    }
  },
  'fails if there are no keys': (now) => {
    const sound = soundStore(now)
    return {
      ...sound,
      find: async (keys) => {
        if (keys.length === 0) throw new RangeError('wrong number of arguments')
        return sound.find(keys)
      },
    }
  },
  'adds later': (now) => {
    const sound = soundStore(now)
    return { ...sound, add: async (key, entry) => void setTimeout(() => void sound.add(key, entry), 5) }
  },
  'reads, waits, writes': (now) => {
    const sound = soundStore(now)
    const latest = new Map<string, DenylistEntry>()
    return {
      find: async (keys) => {
        const known = await sound.find(keys)
        return keys.map((key, index) => latest.get(key)?.issuedUpTo ?? known[index])
      },
      add: async (key, entry) => {
        const combined = greater(entry, latest.get(key))
        await Promise.resolve()
        latest.set(key, combined)
      },
    }
  },
  'keeps one of several concurrent entries': () => {
    let all: ReadonlyMap<string, DenylistEntry> = new Map()
    return {
      find: async (keys) => keys.map((key) => all.get(key)?.issuedUpTo),
      add: async (key, entry) => {
        const copy = new Map(all)
        await Promise.resolve()
        all = copy.set(key, greater(entry, copy.get(key)))
      },
    }
  },
  'rejects expired entries': (now) => {
    const sound = soundStore(now)
    return {
      ...sound,
      add: async (key, entry) => {
        if (entry.expiresAt <= now()) throw new RangeError('expired')
        await sound.add(key, entry)
      },
    }
  },
  'deletes what is added with an expiry in the past': (now) => {
    const sound = storeWith({
      combine: (added, held) => (added.expiresAt <= now() ? { ...added, expiresAt: 0 } : greater(added, held)),
    })
    return sound(now)
  },
  'cannot wait for more than 24 days': (now) => {
    const month = 2 ** 31 / 1000
    return storeWith({
      combine: (added, held) => (added.expiresAt - now() > month ? undefined : greater(added, held)),
    })(now)
  },
}
