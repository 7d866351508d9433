export { protectedResource } from './protected-resource.ts'
export type { ProtectedResourceOptions, SignMetadata } from './options.ts'
