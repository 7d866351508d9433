import { AuthError, type Claims, isOptions, own } from '../adapter.ts'
import { malformed } from './event-token.ts'

/** What an event revokes: a session, or a subject. */
export interface Revoked {
  readonly kind: 'session' | 'subject'
  readonly issuer: string
  readonly id: string
}

interface SubjectRules {
  /** The issuer of the token. */
  readonly issuer: string
  readonly subjectIssuers: readonly string[]
}

/** The subject identifier of an event: `sub_id`, or with older transmitters the `subject` of the event. */
export function eventSubject(claims: Claims, payload: object): unknown {
  return own(claims, 'sub_id') ?? own(payload, 'subject')
}

/**
 * What an event about a subject revokes. Only `iss_sub` and `opaque` (RFC 9493 section 3.2.3 and 3.2.5), and complex subjects of these, can be
 * found on a denylist. Of a complex subject, the session counts, or else the user, even if other members narrow it: it then revokes more.
 *
 * @throws AuthError for anything else, because an event that revokes nothing must not be acknowledged
 */
export function revokedBy(event: 'session' | 'credential', subject: unknown, rules: SubjectRules): readonly Revoked[] {
  if (!isOptions(subject)) throw malformed('"sub_id": a subject identifier', 'none')
  const format = own(subject, 'format')
  if (format !== 'complex') {
    const user = named('subject', subject, rules)
    // The opaque ID of `session-revoked` may be of a session or of a user.
    return event === 'session' && format === 'opaque' ? [{ ...user, kind: 'session' }, user] : [user]
  }
  const [session, user] = [own(subject, 'session'), own(subject, 'user')]
  if (session !== undefined && (event === 'session' || user === undefined)) return [named('session', session, rules)]
  if (user !== undefined) return [named('subject', user, rules)]
  throw malformed('a complex subject with "session" or "user"', Object.keys(subject).slice(0, 8))
}

/** What a simple subject identifier names. @throws AuthError */
function named(kind: Revoked['kind'], subject: unknown, { issuer, subjectIssuers }: SubjectRules): Revoked {
  const members = isOptions(subject) ? subject : {}
  const format = own(members, 'format')
  if (format === 'opaque') {
    const [only, ...more] = subjectIssuers
    return { kind, issuer: more.length === 0 && only !== undefined ? only : issuer, id: text(members, 'id') }
  }
  if (format !== 'iss_sub') throw malformed('a subject identifier of the format iss_sub or opaque', format ?? 'none')
  const iss = text(members, 'iss')
  if (!subjectIssuers.includes(iss))
    throw new AuthError('claim_mismatch', {
      expected: subjectIssuers,
      actual: iss,
      hint: 'If the transmitter may revoke tokens of this issuer, add it to "subjectIssuers"',
    })
  return { kind, issuer: iss, id: text(members, 'sub') }
}

function text(subject: object, name: string): string {
  const value = own(subject, name)
  if (typeof value === 'string' && value !== '') return value
  throw malformed(`"${name}" of the subject: a string`, typeof value)
}
