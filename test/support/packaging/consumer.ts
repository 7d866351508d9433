// A program that uses core as installed. The test copies it into an empty project and reads its output.
import { registerHooks } from 'node:module'
import process from 'node:process'

import type { AuthError, Verifier } from '@claimgate/core'

import type { ConsumerInput, ConsumerReport } from './consumer-report.ts'

const { token, jwksUri, gone, forNode } = JSON.parse(process.argv[2] ?? '') as ConsumerInput

const reached = new Set<string>()
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    if (context.parentURL?.includes('/@claimgate/core/')) reached.add(resolved.url)
    return resolved
  },
})

const core = await import('@claimgate/core')
const extend = await import('@claimgate/core/extend')
const jwe = await import('@claimgate/core/jwe')
const introspection = await import('@claimgate/core/introspection')
const revocation = await import('@claimgate/core/revocation')
const calls = await import('@claimgate/core/calls')
const statusLists = await import('@claimgate/core/status-list')
const connections = await import('@claimgate/core/connections')
const hooks = await import('@claimgate/core/hooks')
const denylists = await import('@claimgate/core/denylist')
const metadata = await import('@claimgate/core/metadata')
const mtls = await import('@claimgate/core/mtls')
const dpops = await import('@claimgate/core/dpop')
const providers = await import('@claimgate/core/providers')
const node = forNode ? await import('@claimgate/core/node') : undefined

const rules = { issuer: 'https://issuer.example', audience: 'orders-api' }
const list = denylists.denylist({ store: denylists.createMemoryDenylist() })
const verifier = core.createVerifier({ ...rules, jwksUri, checks: [list] })
const verified = await verifier.verify(token)
await list.denyToken(verified)

const ephemeral = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
const decryption = { keys: await crypto.subtle.exportKey('jwk', ephemeral.privateKey) }

const guarded = node?.undiciFetch({ refusePrivateAddresses: true })
const unreachable = core.createVerifier({ ...rules, jwksUri: gone, ...(guarded && { fetch: guarded }) })

const report: ConsumerReport = {
  names: {
    '.': Object.keys(core),
    './extend': Object.keys(extend),
    './jwe': Object.keys(jwe),
    './denylist': Object.keys(denylists),
    './dpop': Object.keys(dpops),
    './metadata': Object.keys(metadata),
    './providers': Object.keys(providers),
    './mtls': Object.keys(mtls),
    './introspection': Object.keys(introspection),
    './revocation': Object.keys(revocation),
    './hooks': Object.keys(hooks),
    './status-list': Object.keys(statusLists),
    './calls': Object.keys(calls),
    './connections': Object.keys(connections),
    ...(node && { './node': Object.keys(node) }),
  },
  subject: verified.claims['sub'],
  isOneClass: core.AuthError === extend.AuthError,
  refusals: {
    core: await refusal(core.createVerifier({ ...rules, jwksUri, audience: 'others-api' }), token),
    denylist: await refusal(verifier, token),
    jwe: await refusal({ verify: (text: string) => jwe.decryptJwe(text, decryption) }, 'a.b.c.d.e'),
    transport: await refusal(unreachable, token),
  },
  reached: [...reached],
}
process.stdout.write(JSON.stringify(report))

/** The thrown error, if it is of the class that the main entry point exports. */
async function refusal(
  refusing: Pick<Verifier, 'verify'> | { verify(text: string): Promise<unknown> },
  text: string,
): Promise<ConsumerReport['refusals']['core']> {
  const thrown: unknown = await refusing.verify(text).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof core.AuthError)) return { code: `no AuthError but ${String(thrown)}` }
  return { code: thrown.code, cause: causeOf(thrown) }
}

function causeOf({ cause }: AuthError): string | undefined {
  if (!(cause instanceof Error)) return undefined
  if (node !== undefined && cause.cause instanceof node.PrivateAddressError) return 'PrivateAddressError'
  return 'reason' in cause ? String(cause.reason) : cause.name
}
