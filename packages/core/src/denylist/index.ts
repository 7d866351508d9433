export { denylist, type Denylist, type DenySubjectOptions } from './denylist.ts'
export type { DenylistOptions } from './options.ts'
export type { DenylistEntry, DenylistStore } from './options.ts'
export { createMemoryDenylist, type MemoryDenylistOptions } from './memory-denylist.ts'
