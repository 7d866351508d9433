/** The store of oidc-provider. Entries remain as long as the tests run; nothing here tests expiry of grants. */
export interface StoreAdapter {
  upsert(id: string, record: StoredRecord): Promise<void>
  find(id: string): Promise<StoredRecord | undefined>
  findByUid(uid: string): Promise<StoredRecord | undefined>
  findByUserCode(userCode: string): Promise<StoredRecord | undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

type StoredRecord = Record<string, unknown>

/** A separate store per authorization server, so that servers do not share sessions. */
export function memoryAdapter(): (model: string) => StoreAdapter {
  const records = new Map<string, StoredRecord>()
  return (model) => {
    const key = (id: string): string => `${model}:${id}`
    const findBy = async (member: string, value: string): Promise<StoredRecord | undefined> =>
      [...records].find(([name, record]) => name.startsWith(`${model}:`) && record[member] === value)?.[1]
    return {
      upsert: async (id, record) => void records.set(key(id), record),
      find: async (id) => records.get(key(id)),
      findByUid: async (uid) => findBy('uid', uid),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      consume: async (id) => {
        const record = records.get(key(id))
        if (record) record['consumed'] = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => void records.delete(key(id)),
      revokeByGrantId: async (grantId) => {
        for (const [name, record] of records) if (record['grantId'] === grantId) records.delete(name)
      },
    }
  }
}
