import { configuredUriFlaw } from '@claimgate/core/adapter'

import { CannotSay } from '../outcome.ts'

/**
 * The address that a user has given: https, or http on loopback and on hosts that an option names.
 *
 * @throws {@link CannotSay}
 */
export function configuredAddress(text: string, allowHttpHosts: readonly string[]): URL {
  if (!URL.canParse(text)) throw new CannotSay('The address must be a URL, such as https://auth.example.com')
  const url = new URL(text)
  const flaw = configuredUriFlaw(url, { loopback: 'allowed', hosts: allowHttpHosts })
  if (flaw === undefined) return url
  const allow = flaw.startsWith('must be https') && url.protocol === 'http:'
  throw new CannotSay(
    allow
      ? `The address must be https. For a host of your own network: --allow-http-host ${url.host}`
      : `The address ${flaw}.`,
  )
}
