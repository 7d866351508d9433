import { expect, it } from 'vitest'

import {
  configuredUriFlaw,
  httpHost,
  isNamedHttp,
  isUrl,
  plainHttpFrom,
  uriFlaw,
} from '../../../../packages/core/src/keys/fetch/key-uri.ts'

const https = 'must be https'
const off = 'must be https, because "allowLoopbackHttp" is false'

it.each<[string, string | undefined, string | undefined]>([
  ['https://issuer.example/keys?x=1', undefined, undefined],
  ['https://127.0.0.1/keys', undefined, undefined],
  ['https://name@issuer.example/', 'must not carry credentials', 'must not carry credentials'],
  ['https://:secret@issuer.example/', 'must not carry credentials', 'must not carry credentials'],
  ['https://issuer.example/#x', 'must not have a fragment', 'must not have a fragment'],
  ['http://issuer.example/', https, https],
  ['ftp://127.0.0.1/', https, https],
  ['file:///keys', https, https],
  ['data:,{}', https, https],
  ['ws://localhost/', https, https],
  ['http://localhost/', undefined, off],
  ['http://LOCALHOST:8080/', undefined, off],
  ['http://127.0.0.1/', undefined, off],
  ['http://127.255.1.2/', undefined, off],
  ['http://127.1/', undefined, off],
  ['http://[::1]:80/', undefined, off],
  ['http://[::2]/', https, https],
  ['http://128.0.0.1/', https, https],
  ['http://0.0.0.0/', https, https],
  ['http://localhost.example/', https, https],
  ['http://my-localhost/', https, https],
  ['http://127.0.0.1.example/', https, https],
  ['http://x127.0.0.1x/', https, https],
])('of %s is wrong, with and without http on this machine: %s, %s', (uri, loopback, never) => {
  const url = new URL(uri)
  expect([uriFlaw(url, { loopback: 'allowed', hosts: [] }), uriFlaw(url, { loopback: 'refused', hosts: [] })]).toEqual([
    loopback,
    never,
  ])
})

it.each<[string, string | undefined]>([
  ['http://keycloak:8080/realms/one', undefined],
  ['http://KEYCLOAK:8080/', undefined],
  ['http://auth/keys', undefined],
  ['http://auth:80/keys', undefined],
  ['http://[fd00::1]:81/', undefined],
  ['https://keycloak:8080/', undefined],
  ['http://keycloak/', https],
  ['http://keycloak:9000/', https],
  ['http://auth:8080/', https],
  ['http://keycloak.example:8080/', https],
  ['http://x.keycloak:8080/', https],
  ['http://keycloak.:8080/', https],
  ['http://127.0.0.1/', 'must be https, because "allowLoopbackHttp" is false'],
  ['ftp://keycloak:8080/', https],
  ['http://a:b@keycloak:8080/', 'must not carry credentials'],
  ['http://keycloak:8080/#x', 'must not have a fragment'],
])('of %s is checked by host and port if hosts are named: %s', (uri, flaw) => {
  const plainHttp = { loopback: 'refused', hosts: ['keycloak:8080', 'auth', '[fd00::1]:81'] } as const
  expect(uriFlaw(new URL(uri), plainHttp)).toBe(flaw)
})

it('of a configured URL names the option that would allow it', () => {
  const plainHttp = { loopback: 'refused', hosts: [] } as const
  expect(configuredUriFlaw(new URL('http://Keycloak:8080/x?y'), plainHttp)).toBe(
    'must be https (for a host of your own network, allowHttpHosts: ["keycloak:8080"], or JWT_ALLOW_HTTP_HOSTS, allows plain http)',
  )
  expect(configuredUriFlaw(new URL('http://localhost/'), plainHttp)).toBe(off)
  expect(configuredUriFlaw(new URL('ftp://keycloak/'), plainHttp)).toBe(https)
})

it('allows metadata of a named host only that host, of this machine only this machine, and of https none', () => {
  const plainHttp = { loopback: 'allowed', hosts: ['a:1', 'b', '127.0.0.1:2'] } as const
  const from = (issuer: string) => plainHttpFrom(new URL(issuer), plainHttp)
  expect(from('http://a:1/x')).toEqual({ loopback: 'refused', hosts: ['a:1'] })
  expect(from('https://a:1/x')).toEqual({ loopback: 'refused', hosts: [] })
  expect(from('http://127.0.0.1:2')).toEqual({ loopback: 'allowed', hosts: ['127.0.0.1:2'] })
  expect(from('http://127.0.0.1:3')).toEqual({ loopback: 'allowed', hosts: [] })
  expect(isNamedHttp(new URL('http://a:1'), plainHttp)).toBe(true)
  expect(isNamedHttp(new URL('https://a:1'), plainHttp)).toBe(false)
  expect(isNamedHttp(new URL('http://localhost'), plainHttp)).toBe(false)
})

it.each<readonly [unknown, string | undefined]>([
  ['keycloak:8080', 'keycloak:8080'],
  ['Keycloak:80', 'keycloak'],
  ['keycloak', 'keycloak'],
  ['10.0.0.7:8080', '10.0.0.7:8080'],
  ['[fd00::1]:8080', '[fd00::1]:8080'],
  ['auth.default.svc.cluster.local', 'auth.default.svc.cluster.local'],
  ...[
    '',
    ' ',
    '*',
    '*.svc',
    '*:8080',
    'keycloak.*',
    'key*cloak:80',
    'http://keycloak',
    'keycloak/',
    'keycloak:',
    'keycloak:x',
    'keycloak:99999',
  ].map((text) => [text, undefined] as const),
  ...['a@keycloak', 'a b', 'keycloak?x', 'keycloak#x', 'keycloak:08080', '0x7f.1', '[fd00:0::1]', '%6b', 7, null].map(
    (text) => [text, undefined] as const,
  ),
])('reads %j as the host %s', (text, host) => {
  expect(httpHost(text)).toBe(host)
})

it('is a URL as text or as a URL, and not as another object', () => {
  const address = 'https://issuer.example/keys'
  expect([address, new URL(address), [address], { toString: () => address }, '/keys', undefined].map(isUrl)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})
