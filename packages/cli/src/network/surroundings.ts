import { getCACertificates } from 'node:tls'

import { own } from '@claimgate/core/adapter'
import { type ProxyRoute, resolveProxy } from '@claimgate/core/node'

import type { Finding } from '../finding.ts'

/** What in the process's environment changes how it connects. */
export interface Surroundings {
  /** The proxy for https; `undefined` if requests go directly. */
  readonly proxy: ProxyRoute | undefined
  /** A proxy that the environment names, but nothing uses. */
  readonly unusedProxy: ProxyRoute | undefined
  /** Why the environment's proxy cannot be used. */
  readonly proxyFlaw: string | undefined
  /** The value of `NODE_EXTRA_CA_CERTS`. */
  readonly extraCaFile: string | undefined
  /** Certificates that Node trusts because of `NODE_EXTRA_CA_CERTS`. */
  readonly extraCaCertificates: number
  readonly systemCa: boolean
}

const ACTION = 'connect'

export function surroundings(): Surroundings {
  const { env, execArgv } = process
  const extraCaFile = own(env, 'NODE_EXTRA_CA_CERTS')
  const node = {
    extraCaFile: extraCaFile === '' ? undefined : extraCaFile,
    extraCaCertificates: extraCaFile ? getCACertificates('extra').length : 0,
    systemCa: own(env, 'NODE_USE_SYSTEM_CA') === '1' || execArgv.includes('--use-system-ca'),
  }
  try {
    const proxy = resolveProxy(ACTION, undefined, process)
    const named = resolveProxy(ACTION, 'environment', process)
    return { ...node, proxy, unusedProxy: proxy === undefined ? named : undefined, proxyFlaw: undefined }
  } catch (error) {
    const proxyFlaw = error instanceof Error ? error.message : String(error)
    return { ...node, proxy: undefined, unusedProxy: undefined, proxyFlaw }
  }
}

/** The proxy and the certificate authorities in use. */
export function surroundingsFindings(found: Surroundings): readonly Finding[] {
  return [proxyFinding(found), caFinding(found)]
}

function proxyFinding({ proxy, unusedProxy, proxyFlaw }: Surroundings): Finding {
  if (proxyFlaw !== undefined) return { severity: 'bad', about: 'proxy', message: proxyFlaw }
  if (proxy !== undefined)
    return { severity: 'note', about: 'proxy', message: `${proxy.address.host}${exceptionsOf(proxy)}` }
  if (unusedProxy === undefined) return { severity: 'note', about: 'proxy', message: 'none' }
  return {
    severity: 'note',
    about: 'proxy',
    message: `none: the environment names ${unusedProxy.address.host}, but does not switch it on`,
    hint: 'Claimgate uses it with NODE_USE_ENV_PROXY=1, or with keySet: { proxy: "environment" }.',
  }
}

const exceptionsOf = ({ exceptions }: ProxyRoute): string => (exceptions === '' ? '' : `, except for ${exceptions}`)

function caFinding({ extraCaFile, extraCaCertificates, systemCa }: Surroundings): Finding {
  const base = systemCa ? "Node's own list and the system's" : "Node's own list"
  if (extraCaFile === undefined) return { severity: 'note', about: 'CA', message: base }
  const message = `${base}, and ${extraCaCertificates} from NODE_EXTRA_CA_CERTS=${extraCaFile}`
  if (extraCaCertificates > 0) return { severity: 'note', about: 'CA', message }
  return { severity: 'warning', about: 'CA', message, hint: 'Node could not read a certificate from this file.' }
}

/** Surroundings for `--json`. A proxy's address may hold a password, so only its host is shown. */
export function surroundingsJson({ proxy, unusedProxy, ...found }: Surroundings): {
  readonly proxy: object
  readonly ca: object
} {
  return {
    proxy: {
      used: proxy?.address.host ?? null,
      exceptions: proxy?.exceptions ?? null,
      unused: unusedProxy?.address.host ?? null,
    },
    ca: { system: found.systemCa, extraFile: found.extraCaFile ?? null, extraCertificates: found.extraCaCertificates },
  }
}
