import { describe, expect, it } from 'vitest'
import { startChild } from '../../support/resilience/child/run-child.ts'

interface Played {
  readonly isReplaced: boolean
  readonly results: Readonly<Record<string, string>>
}

async function play(when: string, kind: string): Promise<Played> {
  const { code, output, errors } = await startChild('../../core/replaced-promise/program.ts', [when, kind]).ended
  if (code !== 0) throw new Error(`It ended with ${code}: ${errors.slice(0, 4000)}`)
  return JSON.parse(output) as Played
}

const twice = (code: string): string => `${code}, ${code}`
const VERIFIED = 'verified, verified, token.verified, token.verified'
const refusedWith = (code: string): string => `${twice(code)}, token.rejected, token.rejected`

describe('37. Nothing fails open: if a library has replaced Promise, or hooks return foreign promises', () => {
  it.each([
    ['never', 'thenables'],
    ['never', "the library's promises"],
    ['before the start', 'thenables'],
    ['before the start', "the library's promises"],
    ['after the start', 'thenables'],
    ['after the start', "the library's promises"],
  ])(
    'every answer, event and status is right: replaced %s, hooks return %s',
    async (when, kind) => {
      const { isReplaced, results } = await play(when, kind)
      expect(isReplaced).toBe(when !== 'never')
      expect(results).toEqual({
        'a check that accepts': VERIFIED,
        'a check that refuses': refusedWith('token_refused'),
        'a check that refuses a remembered token': 'verified, token_refused, token.verified, token.rejected',
        'a check that answers false': refusedWith('check_unavailable'),
        'a check that breaks': refusedWith('check_unavailable'),
        'a schema that accepts': VERIFIED,
        'a schema that refuses': refusedWith('claims_schema'),
        'a schema that breaks': 'RangeError: broken, RangeError: broken, token.failed, token.failed',
        'a key source': VERIFIED,
        'a key source that refuses': refusedWith('key_not_found'),
        'a key source that gives candidates': VERIFIED,
        'a key source with another key': refusedWith('signature_invalid'),
        'a key source with a newer key': VERIFIED,
        'a denylist': VERIFIED,
        'a denied token': refusedWith('token_refused'),
        'keys that are fetched': VERIFIED,
        'keys of an address that answers 500': refusedWith('keys_unavailable'),
        'a key set that closes': 'verified',
        'a function for issuers': VERIFIED,
        'a function for issuers that knows none': refusedWith('issuer_unknown'),
        'a function for issuers that breaks': refusedWith('issuer_unavailable'),
        'an encrypted token': 'verified',
        'an explanation': 'token_refused',
        'a binding that confirms': 'authenticated',
        'a binding that does not': 'binding_failed',
        'a verifier of the application': 'authenticated',
        'a verifier of the application that refuses': 'token_refused',
        ...Object.fromEntries(
          ['Express', 'a gate', 'Fastify'].flatMap((adapter) => [
            [`${adapter}, a check that accepts`, '200, 200, 403'],
            [`${adapter}, a check that refuses`, '401, 401, 401'],
            [`${adapter}, a check that refuses a remembered token`, '200, 401, 401'],
          ]),
        ),
      })
    },
    60_000,
  )
})
