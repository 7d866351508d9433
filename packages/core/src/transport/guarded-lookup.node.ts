import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'

import { isPrivateAddress } from './private-address.node.ts'

/** A connection that was refused because of where it would have gone. */
export class PrivateAddressError extends Error {
  override readonly name: string = 'PrivateAddressError'
  readonly code: string = 'ERR_PRIVATE_ADDRESS'

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, an address that is not public`)
  }
}

/**
 * A look-up whose every answer is public, or none is used. What it gives is what is connected to, so that a name which
 * resolves differently the next time gains nothing (DNS rebinding).
 */
export function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, '', 0)
        return
      }
      const addresses: LookupAddress[] = Array.isArray(found) ? found : [{ address: found, family: 0 }]
      const [first] = addresses
      if (!first || addresses.some(({ address }) => isPrivateAddress(address)))
        callback(new PrivateAddressError(hostname), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
