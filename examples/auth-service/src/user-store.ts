import { DatabaseSync } from 'node:sqlite'
import { hashPassword } from './password.ts'
import { isRole, type Role } from './roles.ts'

/** A user to add to the store. */
export interface NewUser {
  /** The log-in name, 1 to 256 characters, compared exactly. */
  readonly userName: string
  /** Hashed before it is stored. */
  readonly password: string
  readonly role: Role
}

/** A stored user. */
export interface StoredUser {
  readonly userName: string
  readonly role: Role
  readonly passwordHash: string
}

/** Users in a SQLite database. */
export interface UserStore {
  /** The user with exactly this name. */
  find(userName: string): StoredUser | undefined
  /** Adds a user. An existing user with that name is not changed. */
  add(user: NewUser): Promise<void>
  /** Closes the database. Does nothing the second time. */
  close(): void
}

/** Opens the database at `path`, or one in memory for `:memory:`, and creates its table if needed. */
export const openUserStore = (path: string): UserStore => {
  const database = new DatabaseSync(path)
  database.exec(`CREATE TABLE IF NOT EXISTS users (
    user_name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL
  ) STRICT`)
  const select = database.prepare('SELECT user_name, role, password_hash FROM users WHERE user_name = ?')
  const insert = database.prepare('INSERT OR IGNORE INTO users (user_name, role, password_hash) VALUES (?, ?, ?)')
  const find = (userName: string): StoredUser | undefined => storedUser(select.get(userName))
  return {
    find,
    add: async ({ userName, password, role }) => {
      if (find(userName) === undefined) insert.run(userName, role, await hashPassword(password))
    },
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

const storedUser = (row: Readonly<Record<string, unknown>> | undefined): StoredUser | undefined => {
  if (row === undefined) return undefined
  const { user_name: userName, role, password_hash: passwordHash } = row
  if (typeof userName === 'string' && isRole(role) && typeof passwordHash === 'string') {
    return { userName, role, passwordHash }
  }
  throw new Error('Cannot read person: the stored row is not of this version')
}
