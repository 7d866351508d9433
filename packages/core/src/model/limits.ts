/** Limits on what is read before a signature has been verified. Each can be changed, up to its maximum. */
export interface Limits {
  /** Characters of a token. A longer one is refused before any decoding. From 1 to 65,536. @defaultValue 16384 */
  readonly tokenLength: number
  /** Characters of the encoded JOSE header. From 1 to 8,192. @defaultValue 4096 */
  readonly headerLength: number
  /** Characters of a `kid`. From 1 to 1,024. @defaultValue 256 */
  readonly kidLength: number
  /** Values of an `aud` array. From 1 to 4,096. @defaultValue 128 */
  readonly audiences: number
  /** Scopes of a token. From 1 to 4,096. @defaultValue 1024 */
  readonly scopes: number
  /** Members of one JSON object, or elements of one array. From 1 to 4,096. @defaultValue 1024 */
  readonly members: number
  /** Values in a JSON text, including nested ones. From 1 to 65,536. @defaultValue 4096 */
  readonly nodes: number
  /** Levels of nesting in a JSON text. From 1 to 64. @defaultValue 16 */
  readonly depth: number
}

/** The default limits. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  tokenLength: 16_384,
  headerLength: 4096,
  kidLength: 256,
  audiences: 128,
  scopes: 1024,
  members: 1024,
  nodes: 4096,
  depth: 16,
})

/** The maximum of each limit. */
export const MAXIMUM_LIMITS: Limits = Object.freeze({
  tokenLength: 65_536,
  headerLength: 8192,
  kidLength: 1024,
  audiences: 4096,
  scopes: 4096,
  members: 4096,
  nodes: 65_536,
  depth: 64,
})

/** A hint for a token that exceeds a limit: raise the limit, because the issuer may be right. */
export function raiseLimit(name: keyof Limits, current: number): string {
  const most = MAXIMUM_LIMITS[name]
  return current < most
    ? `If tokens of this issuer may hold so much, raise "limits.${name}": it can be up to ${most}`
    : `The limit is that of Claimgate, and "limits.${name}" is at its maximum: ask the issuer for smaller tokens`
}
