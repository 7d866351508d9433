import { createAuthenticator } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { bearer, request } from '../../support/core/refusal.ts'

const refuses = (code: string) => ({ kind: 'refused', error: { code } })

describe("an application's own verifier", () => {
  it('gets the view only if it depends on the request', async () => {
    const seen: unknown[] = []
    const verify = async (...[token, context]: Parameters<ReturnType<typeof fakeVerifier>['verify']>) => {
      seen.push([token, context])
      return fakeVerifier().verify(token)
    }
    const view = bearer('a b')
    await createAuthenticator({ verifier: fakeVerifier({ verify }) }).authenticate(bearer('abc'))
    await createAuthenticator({ verifier: fakeVerifier({ verify, dependsOnRequest: true }) }).authenticate(bearer('é'))
    expect(await createAuthenticator({ verifier: fakeVerifier({ verify }) }).authenticate(bearer('é'))).toMatchObject(
      refuses('credential_malformed'),
    )
    expect(seen).toEqual([
      ['abc', undefined],
      ['é', { view: expect.objectContaining({ target: view.target }) as unknown }],
    ])
  })

  it('may find the token elsewhere, with extractToken', async () => {
    const authenticator = createAuthenticator({
      verifier: fakeVerifier(),
      extractToken: ({ header }) => header('x-token')[0],
    })
    expect(await authenticator.authenticate(request({ 'x-token': 'abc' }))).toMatchObject({ kind: 'authenticated' })
    expect(await authenticator.authenticate(bearer('abc'))).toMatchObject(refuses('credential_missing'))
    const both = createAuthenticator({
      verifier: fakeVerifier(),
      credentials: [{ from: 'authorization' }],
      extractToken: ({ header }) => header('x-token')[0],
    })
    expect(await both.authenticate(bearer('abc'))).toMatchObject({ kind: 'authenticated' })
    expect(await both.authenticate(request({ 'x-token': 'abc' }))).toMatchObject({ kind: 'authenticated' })
  })
})
