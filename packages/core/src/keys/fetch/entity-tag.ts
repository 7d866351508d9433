// With the space that some servers put into theirs, and that hurts nobody.
const ENTITY_TAG = /^(?:W\/)?"[ !#-~]{0,1024}"$/

/**
 * A value that may go into `If-None-Match`: an entity-tag (RFC 9110 section 8.8.3) in ASCII, of a sane length. Anything
 * else is as good as none, for a transport may refuse to send it.
 */
export function entityTag(value: unknown): string | undefined {
  return typeof value === 'string' && ENTITY_TAG.test(value) ? value : undefined
}
