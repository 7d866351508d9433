/** Caps on what is read before a signature has been verified. Every one can be changed up to its maximum. */
export interface Limits {
  /** Characters of a token; more is refused before any decoding. From 1 to 65,536. @defaultValue 16384 */
  readonly tokenLength: number
  /** Characters of the encoded JOSE header. From 1 to 8,192. @defaultValue 1024 */
  readonly headerLength: number
  /** Characters of a `kid`. From 1 to 1,024. @defaultValue 256 */
  readonly kidLength: number
  /** Values of an `aud` array. From 1 to 1,000. @defaultValue 32 */
  readonly audiences: number
  /** Scope words of a token. From 1 to 1,000. @defaultValue 256 */
  readonly scopes: number
  /** Members of one JSON object. From 1 to 1,000. @defaultValue 256 */
  readonly members: number
  /** Values in a JSON text, nested ones included. From 1 to 65,536. @defaultValue 4096 */
  readonly nodes: number
  /** Levels of nesting in a JSON text. From 1 to 64. @defaultValue 16 */
  readonly depth: number
}

/** The limits that hold unless told otherwise. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  tokenLength: 16_384,
  headerLength: 1024,
  kidLength: 256,
  audiences: 32,
  scopes: 256,
  members: 256,
  nodes: 4096,
  depth: 16,
})

/** How far each limit can be raised. */
export const MAXIMUM_LIMITS: Limits = Object.freeze({
  tokenLength: 65_536,
  headerLength: 8192,
  kidLength: 1024,
  audiences: 1000,
  scopes: 1000,
  members: 1000,
  nodes: 65_536,
  depth: 64,
})
