/** A response, as far as the demo shows it. */
export interface Answer {
  readonly status: number
  /** The `WWW-Authenticate` field. */
  readonly challenge: string | null
  /** The `Retry-After` field. */
  readonly retryAfter: string | null
  readonly body: string
}

/** What a server has said about its key set. */
export interface KeySetState {
  /** `none` before the first fetch; `failing` after a fetch has failed. The keys of a failing set are still used until they expire. */
  readonly state: 'none' | 'fetched' | 'failing'
  /** Usable keys in the set. */
  readonly keys: number
  /** Seconds since the set was fetched, in the demo's time. */
  readonly age?: number
  /** Why the last fetch failed. */
  readonly reason?: string
}

/** A server whose routes need tokens. */
export interface ServerState {
  readonly name: string
  readonly url: string
  readonly keySet: KeySetState
  /** Its last answer. */
  readonly answer?: Answer
}

/** Something that happened, and why. */
export interface LogEntry {
  readonly number: number
  readonly title: string
  readonly text: string
}

/** What the page shows. It has no token, only what tokens say. */
export interface ShowState {
  readonly auth: { readonly url: string; readonly isUp: boolean; readonly keys: readonly string[] }
  readonly servers: readonly ServerState[]
  /** Whose token is sent, and what it says. */
  readonly session?: {
    readonly user: string
    /** What was done to the token. */
    readonly form: string
    readonly header: object
    readonly claims: object
    /** Negative after it has expired. */
    readonly secondsLeft: number
  }
  /** What happened, newest first. */
  readonly log: readonly LogEntry[]
}
