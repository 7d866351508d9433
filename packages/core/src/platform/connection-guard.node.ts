import type { LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type * as undiciModule from 'undici'
import type { buildConnector } from 'undici'

export type Undici = typeof undiciModule

/** Options for undici's connector: HTTP/1.1 only, and nothing inherited from `Object.prototype`. */
export function connectOptions(lookup: LookupFunction | undefined): buildConnector.BuildOptions {
  // Every option is written out, because undici and Node copy their options to objects with a prototype: a polluted Object.prototype must
  // not choose another host to connect to, or another certificate authority to trust.
  const inherited = { socketPath: null, ca: undefined, secureContext: undefined, servername: undefined } as object
  return { allowH2: false, ...(lookup && { lookup }), ...inherited }
}

/** A connection that was refused because its address is not public. */
export class PrivateAddressError extends Error {
  override readonly name: string = 'PrivateAddressError'
  readonly code: string = 'ERR_PRIVATE_ADDRESS'

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, an address that is not public`)
  }
}

/** A plain-http connection that was refused because its address is public. */
export class PublicAddressError extends Error {
  override readonly name: string = 'PublicAddressError'
  readonly code: string = 'ERR_PUBLIC_ADDRESS'

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, a public address, which needs https`)
  }
}

export interface ConnectionOptions {
  readonly refusePrivateAddresses: boolean
  readonly lookup: LookupFunction
}

/** Connects over https to any address, or only to public ones, and over plain http never to a public one. */
export function guardedConnector(
  undici: Undici,
  { refusePrivateAddresses, lookup }: ConnectionOptions,
): buildConnector.connector {
  const allowsPrivate = !refusePrivateAddresses
  const https = connectorUnder({ allowsPublic: true, allowsPrivate }, undici, lookup)
  const http = connectorUnder({ allowsPublic: false, allowsPrivate }, undici, lookup)
  return (target, callback) => (target.protocol === 'http:' ? http : https)(target, callback)
}

/** Which addresses may be connected to. */
interface AddressRule {
  readonly allowsPublic: boolean
  readonly allowsPrivate: boolean
}

function connectorUnder(rule: AddressRule, undici: Undici, lookup: LookupFunction): buildConnector.connector {
  const isOpen = rule.allowsPublic && rule.allowsPrivate
  const connect = undici.buildConnector(connectOptions(isOpen ? lookup : guardedLookup(lookup, rule)))
  return (target, callback) => {
    // A literal address needs no lookup. URL has normalized its spelling.
    const hostname = target.hostname.replace(/^\[(.*)\]$/, '$1')
    const flaw = isIP(hostname) === 0 ? undefined : addressFlaw(hostname, [hostname], rule)
    if (flaw) callback(flaw, null)
    else connect(target, callback)
  }
}

/** Why a host with these addresses must not be connected to; `undefined` if it may be. A host without addresses breaks any rule. */
function addressFlaw(hostname: string, addresses: readonly string[], rule: AddressRule): Error | undefined {
  const hasNone = addresses.length === 0
  if (!rule.allowsPrivate && (hasNone || addresses.some(isPrivateAddress))) return new PrivateAddressError(hostname)
  if (!rule.allowsPublic && (hasNone || !addresses.every(isPrivateAddress))) return new PublicAddressError(hostname)
  return undefined
}

/**
 * A DNS lookup that fails unless every address meets the rule. The connection uses exactly the checked addresses, so a name that
 * resolves differently the next time cannot bypass the rule (DNS rebinding).
 */
function guardedLookup(lookup: LookupFunction, rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, '', 0)
        return
      }
      const resolved: LookupAddress[] = Array.isArray(found) ? found : [{ address: found, family: 0 }]
      const addresses = resolved.map(({ address }) => address)
      const flaw = addressFlaw(hostname, addresses, rule)
      const [first] = resolved
      if (flaw || !first) callback(flaw ?? new Error('no address'), '', 0)
      else if (options.all) callback(null, resolved)
      else callback(null, first.address, first.family)
    })
  }
}

// The special-purpose registries of RFC 6890 (IPv4), except for globally reachable blocks.
const refusedV4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
])

// Within global unicast: protocol assignments with Teredo and ORCHID, documentation, 6to4.
const refusedV6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])
const globalUnicast = blockList('ipv6', [['2000::', 3]])
const mappedV4 = blockList('ipv6', [['::ffff:0:0', 96]])
const translatedV4 = blockList('ipv6', [['64:ff9b::', 96]])

/**
 * Whether an IP address is anything but globally reachable unicast: private, loopback, link-local, shared, multicast,
 * unspecified, reserved, or an IPv6 address that embeds such an IPv4 address. Text that is not an address counts as private.
 */
export function isPrivateAddress(address: string): boolean {
  const [plain = ''] = address.split('%')
  if (isIP(plain) === 4) return refusedV4.check(plain, 'ipv4')
  if (isIP(plain) !== 6) return true
  if (mappedV4.check(plain, 'ipv6') || translatedV4.check(plain, 'ipv6')) return isPrivateAddress(lastFourBytes(plain))
  return !globalUnicast.check(plain, 'ipv6') || refusedV6.check(plain, 'ipv6')
}

function blockList(
  family: 'ipv4' | 'ipv6',
  subnets: readonly (readonly [network: string, prefix: number])[],
): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family)
  return list
}

// URL writes an IPv6 address in its only canonical spelling, with the last four bytes as one or two groups in hex.
function lastFourBytes(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':')
  const [high = 0, low = 0] = groups.slice(-2).map((group) => (group === '' ? 0 : Number.parseInt(group, 16)))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
