export {
  type Connections,
  type ConnectionsOptions,
  createConnections,
  type NotOpened,
  type Opened,
} from './connections.ts'
export type { RefusedConnection } from './admission.ts'
export type { Connection, ConnectionEnd, Reauthentication } from './connection.ts'
export { subprotocolToken } from './subprotocol.ts'
export type { NodeRequest, RequestSource } from '../adapter.ts'
export type { UpgradeSocket } from './upgrade.ts'
