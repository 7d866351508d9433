export { denylist, type Denylist, type DenySubjectOptions } from './denylist.ts'
export type { DenylistOptions } from './denylist-options.ts'
export type { DenylistEntry, DenylistStore } from './denylist-store.ts'
export { createMemoryDenylist, type MemoryDenylistOptions } from './memory-denylist.ts'
