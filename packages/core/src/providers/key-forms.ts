import {
  AuthError,
  bare,
  type Clock,
  FetchError,
  type FetchLike,
  isObject,
  type JoseHeader,
  jwkOfDer,
  type KeySourcePlan,
  own,
  parseStrictJson,
  readKeyText,
  recentMap,
  type RemoteKeySet,
  remoteKeySet,
  type RemoteKeySetOptions,
  StrictJsonError,
  systemClock,
  systemCode,
  TransportError,
  transportOf,
  validityOf,
} from '../adapter.ts'

type Jwk = Readonly<Record<string, string>>
type Jwks = ReturnType<NonNullable<RemoteKeySetOptions['toJwks']>>

/** Keys from a map of key IDs to X.509 certificates in PEM, as Google publishes them. */
export function certificateMap(uri: string): KeySourcePlan {
  return {
    name: `certificates ${uri}`,
    create: (options) =>
      remoteKeySet(uri, { ...options, toJwks: (text) => jwksOfCertificates(text, clockOf(options)) }),
  }
}

const JSON_LIMITS = { members: 1000, nodes: 2000, depth: 2 }

function jwksOfCertificates(text: string, { now }: Pick<Clock, 'now'>): Jwks {
  const map = parse(text)
  return { keys: Object.entries(map).map(([kid, pem]) => ({ ...jwkOfCertificate(pem, now()), kid, use: 'sig' })) }
}

const clockOf = (options: RemoteKeySetOptions): Pick<Clock, 'now'> => own(options, 'clock') ?? systemClock

// Clocks of two machines differ. Providers publish certificates before they sign with them.
const TOLERANCE = 300_000

// A certificate that is not valid now becomes a member without "kty", as any other value that is no key.
function jwkOfCertificate(pem: unknown, now: number): Jwk {
  const read = readKeyText(pem)
  const validity = read.kind === 'pem' && read.label === 'CERTIFICATE' ? validityOf(read.der) : undefined
  if (validity === undefined || now < validity.from - TOLERANCE || now > validity.until + TOLERANCE) return {}
  return jwkOfPem(pem)
}

function parse(text: string): object {
  try {
    const value = parseStrictJson(text, JSON_LIMITS)
    if (isObject(value) && !Array.isArray(value)) return value
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new FetchError('malformed', `The map of certificates ${cause.message}`, { cause })
  }
  throw new FetchError('malformed', 'The map of certificates is not a JSON object')
}

// A value that is no key becomes a member without "kty", which the key set skips and reports.
function jwkOfPem(pem: unknown): Jwk {
  const read = readKeyText(pem)
  const isPublic = read.kind === 'pem' && (read.label === 'PUBLIC KEY' || read.label === 'CERTIFICATE')
  return (isPublic ? jwkOfDer(read.label, read.der) : undefined) ?? {}
}

/** One key at an address for each key ID. */
export interface KeyPerKid {
  /** The address before the key ID. */
  readonly base: string
  /** Key IDs that may stand in an address. */
  readonly kid: RegExp
  /** What else the source depends on, in its name. */
  readonly name: string
  /** Throws `AuthError` for a header that must not cause a request. */
  checkHeader(header: JoseHeader): void
}

const MOST_KIDS = 64
const MINUTE = 60_000

/**
 * Keys that are published one by one in PEM. Each is fetched as a key set of one key is. The requests for new key IDs are limited, too: as
 * many in a minute as one key set may make.
 */
export function keyPerKid({ base, kid: pattern, name, checkHeader }: KeyPerKid): KeySourcePlan {
  const create: KeySourcePlan['create'] = (given) => {
    // A seed is of one key set, and these are many.
    const options = { ...given, seed: undefined }
    const sets = recentMap<string, RemoteKeySet>(MOST_KIDS)
    // Sets that have given a key, which made-up key IDs must not displace.
    const proven = recentMap<string, RemoteKeySet>(MOST_KIDS)
    const knownAt = (kid: string): RemoteKeySet | undefined => proven.get(kid) ?? sets.get(kid)
    let starts: readonly number[] = []
    let closed = false

    const setFor = (header: JoseHeader): RemoteKeySet => {
      const { kid } = header
      checkHeader(header)
      if (kid === undefined || !pattern.test(kid))
        throw new AuthError('key_not_found', { expected: 'a UUID as kid', actual: kid })
      const known = knownAt(kid)
      if (known !== undefined) return known
      const now = options.clock?.monotonic() ?? performance.now()
      starts = starts.filter((start) => start > now - MINUTE)
      const { fetchesPerMinute = 10 } = options
      if (closed || starts.length >= fetchesPerMinute) {
        const hint = closed ? 'The verifier is closed' : `More than ${fetchesPerMinute} new key IDs in a minute`
        throw new AuthError('keys_unavailable', { retryAfter: ((starts[0] ?? now) + MINUTE - now) / 1000, hint })
      }
      starts = [...starts, now]
      const toJwks = (text: string): Jwks => ({ keys: [{ ...jwkOfPem(text), kid, use: 'sig' }] })
      const made = remoteKeySet(`${base}${kid}`, { ...options, toJwks })
      sets.set(kid, made)
      return made
    }

    return {
      current: (header) => (header.kid === undefined ? undefined : knownAt(header.kid)?.current?.(header)),
      resolve: async (header, token) => {
        const set = setFor(header)
        const key = await set.resolve(header, token)
        proven.set(header.kid ?? '', set)
        return key
      },
      resolveAgain: async (header, failed, token) => setFor(header).resolveAgain?.(header, failed, token),
      close: () => {
        closed = true
        for (const set of [...sets.values(), ...proven.values()]) set.close()
      },
      describe: () => `keys at ${base}, one for each kid`,
    }
  }
  return { name: `key per kid ${base} ${name}`, create }
}

/** A key set behind an authenticated address. */
export interface ProtectedKeys {
  readonly uri: string
  /** Gives the bearer token of each request. Called again each time, because such tokens are rotated. */
  readonly token?: (() => string | Promise<string>) | undefined
  /** @defaultValue the verifier's */
  readonly fetch?: FetchLike | undefined
}

/** The keys at an address that wants a bearer token. The token is sent only to that address, and errors do not repeat it. */
export function keysWithToken({ uri, token, fetch: given }: ProtectedKeys): KeySourcePlan {
  const { href } = new URL(uri)
  return {
    // Two clusters may have the same address, each in its own network.
    name: `protected ${href} ${numberOfFunction(token)} ${numberOfFunction(given)}`,
    create: (options) => {
      const fetch = given ?? (options.fetch && transportOf(options.fetch, own(options, 'proxy')))
      const withHint = { ...options, ifRefused: token === undefined ? NEEDS_TOKEN : REFUSED_TOKEN }
      if (fetch === undefined || (token === undefined && given === undefined)) return remoteKeySet(uri, withHint)
      const send: FetchLike = async (url, init) => {
        if (token === undefined || url !== href) return fetch(url, init)
        const authorization = `Bearer ${textOf(await token())}`
        try {
          return await fetch(url, bare({ ...init, headers: bare({ ...init.headers, authorization }) }))
        } catch (cause) {
          throw withoutToken(cause)
        }
      }
      return remoteKeySet(uri, { ...withHint, fetch: send, proxy: undefined })
    },
  }
}

const NEEDS_TOKEN = 'if it wants a token, give "token"'
const REFUSED_TOKEN = 'it refuses the token that "token" gives'

const functions = new WeakMap<object, number>()
let lastFunction = 0

function numberOfFunction(given: object | undefined): number {
  if (given === undefined) return 0
  const known = functions.get(given) ?? (lastFunction += 1)
  functions.set(given, known)
  return known
}

function textOf(token: unknown): string {
  const text = typeof token === 'string' ? token.trim() : ''
  if (/^[\x21-\x7E]+$/.test(text)) return text
  throw new TypeError('"token" must give the text of a token')
}

// A transport's error may repeat the header fields. Its code says what went wrong.
function withoutToken(cause: unknown): unknown {
  if (cause instanceof TransportError) return cause
  const code = systemCode(cause) ?? (cause instanceof Error ? systemCode(cause.cause) : undefined)
  return Object.assign(new Error('The transport failed'), code !== undefined && { code })
}

/** The keys at an address that wants more header fields. */
export function keysWithHeaders(uri: string, headers: Readonly<Record<string, string>>): KeySourcePlan {
  return {
    name: `headers ${JSON.stringify([uri, headers])}`,
    create: (options) => remoteKeySet(uri, { ...options, headers: { ...options.headers, ...headers } }),
  }
}
