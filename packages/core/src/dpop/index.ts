export { dpop } from './dpop.ts'
export { createMemoryReplayStore, type MemoryReplayStoreOptions } from './memory-replay-store.ts'
export type { DpopOptions, NonceOptions, ReplayStore } from './options.ts'
