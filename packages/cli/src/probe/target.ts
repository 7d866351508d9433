import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

import { CannotSay } from '../outcome.ts'

/** Where the tokens go: an address of HTTP, and the IP addresses that may be connected to. */
export interface Target {
  readonly url: URL
  /** Resolved once. Every connection uses one of them, so the name cannot lead elsewhere later (DNS rebinding). */
  readonly addresses: readonly LookupAddress[]
}

/**
 * Checks where the tokens would go: to this machine, unless `allowRemote` names exactly the host of the address.
 *
 * @throws CannotSay
 */
export async function resolveTarget(text: string, allowRemote: string | undefined): Promise<Target> {
  const url = urlOf(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (allowRemote !== undefined && allowRemote.toLowerCase() !== host)
    throw new CannotSay(`--allow-remote names another host than the address, whose host is ${host}.`)
  const addresses = await addressesOf(host)
  if (allowRemote === undefined && !addresses.every(isLoopback))
    throw new CannotSay(
      `${host} is not this machine${isIP(host) === 0 ? ` (${addresses.map(({ address }) => address).join(', ')})` : ''}. To send bad tokens there, name it: --allow-remote ${host}`,
    )
  return { url, addresses }
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new CannotSay('Give the address of a protected route of your API, such as http://127.0.0.1:3000/me')
  if (url.username !== '' || url.password !== '')
    throw new CannotSay('The address must not carry a user name or a password.')
  return url
}

async function addressesOf(host: string): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const found = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    throw new CannotSay(`The host ${host} has no address (${error.code ?? 'unknown error'}).`)
  })
  if (found.length === 0) throw new CannotSay(`The host ${host} has no address.`)
  return found
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

// An IPv4 address that is mapped to IPv6 is checked as the IPv4 address.
function isLoopback({ address, family }: LookupAddress): boolean {
  return LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
