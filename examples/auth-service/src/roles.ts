/** The role of a user. */
export type Role = 'reader' | 'writer'

/** The `scope` claim (RFC 8693 section 4.2) for each role. */
export const SCOPES: Readonly<Record<Role, string>> = {
  reader: 'orders:read',
  writer: 'orders:read orders:write',
}

/** Whether `value` is exactly one of the roles. */
export const isRole = (value: unknown): value is Role => typeof value === 'string' && Object.hasOwn(SCOPES, value)
