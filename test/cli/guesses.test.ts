import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'

import { compareIssuers } from '../../packages/cli/src/doctor/compare.ts'
import { timesOf } from '../../packages/cli/src/explain/times.ts'
import { decodeToken, kindOf } from '../../packages/cli/src/explain/token.ts'
import { plainConfiguration, profileConfiguration } from '../../packages/cli/src/configuration.ts'

const encoded = (...parts: readonly object[]): string =>
  [...parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), 'c2ln'].join('.')

describe('the kind of a token', () => {
  it.each<[string, object, object, string]>([
    ['typ at+jwt', { typ: 'application/at+jwt' }, { nonce: 'n' }, 'access'],
    ['typ dpop+jwt', { typ: 'dpop+jwt' }, {}, 'dpop_proof'],
    ['typ logout+jwt', { typ: 'logout+jwt' }, {}, 'logout'],
    ['typ secevent+jwt', { typ: 'secevent+jwt' }, {}, 'security_event'],
    ['a logout event', {}, { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, 'logout'],
    ['another event', {}, { events: { a: {} } }, 'security_event'],
    ['htm and htu', {}, { htm: 'GET', htu: 'https://api.example' }, 'dpop_proof'],
    ['token_use id', {}, { token_use: 'id', scope: 'x' }, 'id'],
    ['the claim typ Refresh', {}, { typ: 'Refresh', scope: 'x' }, 'refresh'],
    ['the claim typ Bearer', {}, { typ: 'Bearer', nonce: 'n' }, 'access'],
    ['at_hash', {}, { at_hash: 'a', scope: 'x' }, 'id'],
    ['iss as sub', {}, { iss: 'client', sub: 'client' }, 'client_assertion'],
    ['scp', {}, { scp: 'read' }, 'access'],
    ['a nonce alone', {}, { nonce: 'n' }, 'id'],
    ['nothing', {}, {}, 'other'],
  ])('is guessed by %s', (_name, header, claims, kind) => {
    expect(kindOf(decodeToken(encoded(header, claims))).kind).toBe(kind)
  })

  it.each([
    ['a.b.c.d.e', 'encrypted'],
    ['opaque', 'opaque'],
    ['a.b', 'opaque'],
    ['.'.repeat(100_000), 'opaque'],
    ['!.!.!', 'other'],
    [encoded([], []), 'other'],
  ])('is guessed of %.12s', (token, kind) => {
    expect(kindOf(decodeToken(token)).kind).toBe(kind)
  })
})

it('says times in words', () => {
  const words = timesOf({ exp: 1000, nbf: 1360, iat: -1, auth_time: 'x' }, 1240).map((time) => [time.claim, time.words])
  expect(words).toEqual([
    ['exp', 'expired 4 minutes ago'],
    ['nbf', 'not valid before in 2 minutes'],
    ['iat', 'no date'],
  ])
})

describe('two issuers', () => {
  it.each<[string, unknown, number | null, string | null]>([
    ['https://a.example', 'https://a.example', null, null],
    ['https://a.example', 'https://a.example/', 17, 'the found one ends with a slash'],
    ['https://a.example/', 'https://a.example', 17, 'the found one has no slash at its end'],
    ['https://A.example', 'https://a.example', 8, 'they differ only in upper and lower case'],
    ['https://a.example', 'http://a.example', 4, 'one is http, the other https'],
    ['https://a.example', ' https://a.example', 0, 'one has white space around it'],
    ['https://a.example', 'https://\u0430.example', 8, 'expected "a" (U+0061), found "\u0430" (U+0430)'],
    ['https://a.example/one', 'https://a.example/on', 20, 'expected "e" (U+0065), found the end'],
    ['https://a.example', ['https://a.example'], null, 'the metadata names no issuer'],
  ])('%j and %j differ at %j', (expected, found, differsAt, difference) => {
    expect(compareIssuers(expected, found)).toMatchObject({ differsAt, difference, equal: difference === null })
  })
})

describe('a configuration to paste', () => {
  it('is JavaScript that means the same texts, whatever they hold', () => {
    const text = `'\\"\n\${x}\u001b`
    const { code } = plainConfiguration({ issuer: text, audience: [text, 'b'], keySet: undefined })
    const read: unknown = runInNewContext(`JSON.stringify(${code.join('\n')})`, {
      authenticateJwt: (options: unknown) => options,
    })
    expect(JSON.parse(String(read))).toEqual({ issuer: text, audience: [text, 'b'] })
  })

  it('names the words that are only examples', () => {
    const provider = { name: 'github-actions', title: '', words: {}, missing: { audience: 'a', repositoryId: '1' } }
    expect(profileConfiguration(provider, { audience: 'mine', clientId: 'c' })).toEqual({
      code: [
        "import { githubActions } from '@claimgate/core/providers'",
        "authenticateJwt(githubActions({ audience: 'mine', repositoryId: '1' }))",
      ],
      replace: ['repositoryId'],
    })
  })
})
