import { expect, it } from 'vitest'

import { uriFlaw } from './key-uri.ts'

const https = 'must be https'
const off = 'must be https, for "allowLoopbackHttp" is false'

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
  expect([uriFlaw(url, 'loopback'), uriFlaw(url, 'never')]).toEqual([loopback, never])
})
