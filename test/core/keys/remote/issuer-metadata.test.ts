import { describe, expect, it } from 'vitest'

import { jwksUriOf } from '../../../../packages/core/src/keys/remote/discovery.ts'

const read = (issuer: string, named: string): (() => URL) => {
  const rules = {
    issuer,
    url: new URL(issuer),
    allowedKeyHosts: [],
    plainHttp: { loopback: 'refused', hosts: [] },
  } as const
  return () => jwksUriOf(JSON.stringify({ issuer: named, jwks_uri: `${issuer}/jwks` }), rules)
}

describe('metadata that names the issuer', () => {
  it.each([
    ['https://issuer.example', 'https://issuer.example/'],
    ['https://issuer.example/', 'https://issuer.example'],
  ])('with an extra or missing slash says what to write: %s, %s', (issuer, named) => {
    expect(read(issuer, named)).toThrow(`If that is the issuer, write "issuer": "${named}", as its tokens do`)
  })

  it('has no such hint otherwise', () => {
    expect(read('https://issuer.example', 'https://other.example')).toThrow(/found "https:\/\/other\.example"$/)
  })
})
