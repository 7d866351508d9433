import type { RequestView } from '@claimgate/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { badProof, newAttempt, proofKeys, proofParser } from '../../../packages/core/src/dpop/proof.ts'
import { boundToken, createDpopApi, createDpopClient, lineOf, ORIGIN } from '../../support/dpop/client.ts'

const client = await createDpopClient()
const token = await boundToken(client.jkt)
const header = { alg: 'ES256', jwk: client.jwk }

afterEach(() => {
  vi.restoreAllMocks()
})

describe('41. The key of a proof', () => {
  it('is imported once for all proofs of a client, so that it cannot be exported', async () => {
    const imports = vi.spyOn(crypto.subtle, 'importKey')
    const api = createDpopApi()
    for (const _ of [1, 2, 3]) expect(lineOf(await api.send(token, await client.proof(token)))).toBe('200')
    const keys = imports.mock.calls.filter(([, key]) => 'x' in key && key.x === client.jwk.x)
    expect(keys.map(([, , , isExtractable]) => isExtractable)).toEqual([false])
  })

  it('is refused if the runtime cannot use it', async () => {
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'))
    await expect(async () => proofKeys()(header)).rejects.toMatchObject({
      code: 'binding_failed',
      expected: '"a key that this runtime can use"',
      actual: '"key_unusable"',
      cause: { code: 'key_unusable' },
    })
  })
})

describe('41. A proof', () => {
  it.each([[[]], [[undefined]], [[1]], [['a', 'b']]])('is one field of text, and not %j', (fields) => {
    expect(() => proofParser(4096)(fields)).toThrow(/expected "one DPoP header"/)
  })

  it('is refused with what was found, if that is known', () => {
    const refusal = badProof('a')
    expect([refusal.expected, refusal.actual, 'cause' in refusal]).toEqual(['"a"', undefined, false])
    const cause = new Error('b')
    expect(badProof('a', undefined, cause)).toMatchObject({ actual: undefined, cause })
  })

  it('begins with members that are its own, so that no prototype supplies them', () => {
    const attempt = newAttempt('jkt', {} as RequestView, { token, scheme: 'DPoP' })
    expect(Object.keys(attempt).toSorted()).toEqual(['credential', 'end', 'key', 'proof', 'thumbprint', 'view'])
  })

  it('for no URL at all does not fit a request whose path has dot segments', async () => {
    for (const htu of ['x', 1, undefined, `${ORIGIN}/x/../orders`]) {
      const proof = await client.proof(token, { claims: { htu } })
      const outcome = await createDpopApi().send(token, proof, { target: '/x/../orders' })
      expect(lineOf(outcome)).toBe('401 invalid_dpop_proof')
    }
  })
})
