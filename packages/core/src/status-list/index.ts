export { statusList } from './status-list.ts'
export type { StatusListOptions } from './options.ts'
