/** What `wrangler.jsonc` binds to the worker: the variables of `optionsFromEnv`, and a KV namespace. */
export interface Bindings {
  readonly JWT_ISSUER: string
  /** This API's name in `aud`; several separated by commas. */
  readonly JWT_AUDIENCE: string
  /** Without it, keys are discovered from the issuer. */
  readonly JWT_JWKS_URI?: string
  readonly JWT_ALGORITHMS?: string
  /** Seconds, from 0 to 300. */
  readonly JWT_CLOCK_TOLERANCE?: string
  /** Where key sets are kept for isolates that start cold. Without it, each fetches its own. */
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
