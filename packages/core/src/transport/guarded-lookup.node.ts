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

/** A connection by plain http that was refused because it would have left the networks that are not public. */
export class PublicAddressError extends Error {
  override readonly name: string = 'PublicAddressError'
  readonly code: string = 'ERR_PUBLIC_ADDRESS'

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, a public address, which needs https`)
  }
}

/** What is wrong with connecting to a host that has these addresses; `undefined` where nothing is. */
export type AddressRule = (hostname: string, addresses: readonly string[]) => Error | undefined

/** Refuses a host with an address that is not public, or with none. */
export const publicOnly: AddressRule = (hostname, addresses) =>
  addresses.length === 0 || addresses.some(isPrivateAddress) ? new PrivateAddressError(hostname) : undefined

/** Refuses a host with an address that is public, or with none. */
export const privateOnly: AddressRule = (hostname, addresses) =>
  addresses.length === 0 || !addresses.every(isPrivateAddress) ? new PublicAddressError(hostname) : undefined

/**
 * A look-up of which every answer meets the rule, or none is used. What it gives is what is connected to, so a name that
 * resolves differently the next time gains nothing (DNS rebinding).
 */
export function guardedLookup(lookup: LookupFunction, rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, '', 0)
        return
      }
      const addresses: LookupAddress[] = Array.isArray(found) ? found : [{ address: found, family: 0 }]
      const flaw = rule(
        hostname,
        addresses.map(({ address }) => address),
      )
      const [first] = addresses
      if (flaw || !first) callback(flaw ?? new Error('no address'), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
