/** The bindings in `wrangler.jsonc`: the variables of `optionsFromEnv`, and a KV namespace. */
export interface Bindings {
  readonly JWT_ISSUER: string
  /** The name of this API in `aud`, or several, comma-separated. */
  readonly JWT_AUDIENCE: string
  /** If unset, keys are discovered from the issuer. */
  readonly JWT_JWKS_URI?: string
  /** The only key, if there is no key set: a PEM, or its base64. */
  readonly JWT_PUBLIC_KEY?: string
  readonly JWT_ALGORITHMS?: string
  /** Seconds, from 0 to 300. */
  readonly JWT_CLOCK_TOLERANCE?: string
  /** Stores key sets, so that new isolates need not fetch them. If unset, each isolate fetches its own. */
  readonly KEYS?: KeyValueNamespace
}

/** The part of a KV namespace that the worker needs. */
export interface KeyValueNamespace {
  get(key: string): Promise<string | null>
  put(key: string, value: string, options?: { readonly expirationTtl?: number }): Promise<void>
}

/** The part of a request's context that the worker needs. */
export interface ExecutionContext {
  /** Keeps the context of this request alive until the promise settles. */
  waitUntil(promise: Promise<unknown>): void
}
