import { createAuthenticator } from '@claimgate/core'
import { createClaimsVerifier, verifiedToken } from '@claimgate/core/adapter'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { describe, expect, it } from 'vitest'
import { lineOf } from '../../support/dpop/client.ts'
import { request } from '../../support/core/refusal.ts'

// RFC 9449 figures 7, 8, 12 and 13. The signature is that of the RFC.
const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const HEADER =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMi' +
  'LCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
const PROOF = `${HEADER}.${[
  'eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6',
  'MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9',
].join('')}.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
// Figure 1, for the token endpoint.
const TOKEN_PROOF = `${HEADER}.${[
  'eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ',
].join('')}.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`

const apiAt = (seconds: number, jkt = JKT, origin = 'https://resource.example.org') =>
  createAuthenticator({
    verifier: {
      verify: async (token: string) => verifiedToken(token, { claims: { cnf: { jkt } }, scopes: new Set() }),
      explain: async () => ({ accepted: true, summary: '', steps: [] }),
    } as never,
    bindings: [
      dpop({
        origin,
        replay: createMemoryReplayStore(),
        clock: { now: () => seconds * 1000 },
      }),
    ],
  })

const answerTo = async (dpopField: string, api = apiAt(1_562_262_618), view = {}): Promise<string> =>
  lineOf(
    await api.authenticate(
      request({ authorization: `DPoP ${TOKEN}`, dpop: dpopField }, { target: '/protectedresource', ...view }),
    ),
  )

describe('41. The examples of RFC 9449', () => {
  it('figure 12 is accepted at its time, once', async () => {
    const api = apiAt(1_562_262_618)
    expect(await answerTo(PROOF, api)).toBe('200')
    expect(await answerTo(PROOF, api)).toBe('401 invalid_dpop_proof')
  })

  it('and not at another time, for another request or another token', async () => {
    expect(await answerTo(PROOF, apiAt(1_562_262_618 + 66))).toBe('401 invalid_dpop_proof')
    expect(await answerTo(PROOF, undefined, { method: 'POST' })).toBe('401 invalid_dpop_proof')
    expect(await answerTo(PROOF, undefined, { target: '/another' })).toBe('401 invalid_dpop_proof')
    expect(await answerTo(PROOF, apiAt(1_562_262_618, `${JKT.slice(0, -1)}J`))).toBe('401 invalid_token')
  })

  it('figure 8 are the claims of the token at that time, and no other', async () => {
    const claims = {
      sub: 'someone@example.com',
      iss: 'https://server.example.com',
      nbf: 1_562_262_611,
      exp: 1_562_266_216,
      cnf: { jkt: JKT },
    }
    const at = (seconds: number) =>
      createClaimsVerifier({
        issuer: claims.iss,
        audience: null,
        clock: { now: () => seconds * 1000 },
      }).verify(TOKEN, claims, { confirmations: ['jkt'] })
    expect((await at(1_562_262_618)).claims.cnf).toEqual({ jkt: JKT })
    await expect(at(claims.nbf - 60)).rejects.toMatchObject({ code: 'token_not_yet_valid' })
    await expect(at(claims.exp + 60)).rejects.toMatchObject({ code: 'token_expired' })
  })

  it('figure 1 is a good proof at its time and for its URL, but has no hash of a token', async () => {
    const api = apiAt(1_562_262_616, JKT, 'https://server.example.com')
    const fields = { authorization: `DPoP ${TOKEN}`, dpop: TOKEN_PROOF }
    const { steps } = await api.explain(request(fields, { method: 'POST', target: '/token' }))
    expect(steps.filter(({ result }) => result === 'failed').map(({ step }) => step)).toEqual(['proof.ath'])
    expect(steps.find(({ step }) => step === 'proof.signature')?.result).toBe('passed')
  })

  it('figure 1, made for the token endpoint, is refused here', async () => {
    expect(await answerTo(TOKEN_PROOF, apiAt(1_562_262_616), { method: 'POST', target: '/token' })).toBe(
      '401 invalid_dpop_proof',
    )
  })
})
