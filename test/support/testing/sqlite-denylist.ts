import { DatabaseSync } from 'node:sqlite'

import type { DenylistStore } from '@claimgate/core/denylist'

/** A denylist in a file that several processes may open. */
export interface SqliteDenylist extends DenylistStore {
  readonly close: () => void
}

/** Opens the file at `path`, and creates it if it does not exist. */
export function openSqliteDenylist(path: string, now: () => number): SqliteDenylist {
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec(`PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS denied (key TEXT PRIMARY KEY, issued_up_to REAL NOT NULL, expires_at REAL NOT NULL) STRICT`)
  const select = database.prepare(
    'SELECT denied.issued_up_to AS found FROM json_each(?) AS wanted LEFT JOIN denied ON denied.key = wanted.value ORDER BY wanted.id',
  )
  const upsert =
    database.prepare(`INSERT INTO denied VALUES (:key, :issuedUpTo, :expiresAt) ON CONFLICT (key) DO UPDATE SET
    issued_up_to = max(issued_up_to, excluded.issued_up_to), expires_at = max(expires_at, excluded.expires_at)`)
  const sweep = database.prepare('DELETE FROM denied WHERE expires_at <= ?')
  return {
    find: async (keys) =>
      select.all(JSON.stringify(keys)).map(({ found }) => (typeof found === 'number' ? found : undefined)),
    add: async (key, { issuedUpTo, expiresAt }) => {
      sweep.run(now())
      upsert.run({ key, issuedUpTo, expiresAt })
    },
    close: () => database.close(),
  }
}
