import { decoyHash, passwordMatches } from './password.ts'
import type { StoredUser, UserStore } from './user-store.ts'

/** The credentials of a user. */
export interface Credentials {
  readonly userName: string
  readonly password: string
}

/** The credentials in a request's JSON body; `undefined` unless it is an object with two strings of acceptable length. */
export const readCredentials = (body: unknown): Credentials | undefined => {
  if (typeof body !== 'object' || body === null) return undefined
  const { userName, password } = body as Readonly<Record<string, unknown>>
  return isText(userName) && isText(password) ? { userName, password } : undefined
}

/** Returns the user of these credentials, or `undefined` if they are wrong. */
export type CredentialCheck = (credentials: Credentials) => Promise<StoredUser | undefined>

/**
 * A {@link CredentialCheck} that takes equally long for an unknown name and a wrong password: for an unknown name, it compares with the
 * hash of an unknown password.
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
