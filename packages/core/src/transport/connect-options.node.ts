import type { LookupFunction } from 'node:net'

import type { buildConnector } from 'undici'

import { bare } from '../model/own.ts'

/** How undici connects to whatever host it is told: by HTTP/1.1, and with nothing that anybody has put on `Object.prototype`. */
export function connectOptions(lookup: LookupFunction | undefined): buildConnector.BuildOptions {
  return { allowH2: false, ...(lookup && { lookup }), ...ONLY_THIS_HOST }
}

// Written out, because undici and Node copy their options to objects with a prototype: nothing there may name another place to connect to,
// or another authority to trust.
const ONLY_THIS_HOST: object = bare({
  socketPath: null,
  ca: undefined,
  secureContext: undefined,
  servername: undefined,
})
