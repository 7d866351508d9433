import { decoyHash, passwordMatches } from './password.ts'
import type { StoredUser, UserStore } from './user-store.ts'

/** What a person logs in with. */
export interface Credentials {
  readonly userName: string
  readonly password: string
}

/** The credentials in a request's JSON body; `undefined` where it is not an object with two strings of decent length. */
export const readCredentials = (body: unknown): Credentials | undefined => {
  if (typeof body !== 'object' || body === null) return undefined
  const { userName, password } = body as Readonly<Record<string, unknown>>
  return isText(userName) && isText(password) ? { userName, password } : undefined
}

/** The person these credentials belong to, if they are right. */
export type CredentialCheck = (credentials: Credentials) => Promise<StoredUser | undefined>

/**
 * A {@link CredentialCheck} that takes as long for a name nobody has as for a wrong password: it then compares with the
 * hash of no known password.
 */
export const createCredentialCheck = (
  users: Pick<UserStore, 'find'>,
  matches: typeof passwordMatches = passwordMatches,
): CredentialCheck => {
  const decoy = decoyHash()
  return async ({ userName, password }) => {
    const user = users.find(userName)
    const right = await matches(password, user?.passwordHash ?? decoy)
    return right ? user : undefined
  }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= 256
