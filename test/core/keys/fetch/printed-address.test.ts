import { expect, it } from 'vitest'

import { printedAddress, printedUri } from '../../../../packages/core/src/keys/fetch/key-uri.ts'

it.each([
  ['https://issuer.example', 'https://issuer.example/'],
  ['https://issuer.example:444/a/keys', 'https://issuer.example:444/a/keys'],
  ['https://name:secret@issuer.example/keys#secret', 'https://issuer.example/keys'],
  ['https://issuer.example/keys?api_key=secret', 'https://issuer.example/keys?api_key=…'],
  ['https://issuer.example/keys?a=1=2&b=&secret&c=3', 'https://issuer.example/keys?a=…&b=…&…&c=…'],
  ['name:secret@issuer.example/keys', 'name://…@issuer.example/keys'],
  ['name:sec/ret@issuer.example/keys', 'name://…@issuer.example/keys'],
  ['https://issuer.example/keys@tenant', 'https://issuer.example/keys@tenant'],
  ['https://issuer.example/keys?=secret', 'https://issuer.example/keys?=…'],
  ['https://issuer.example/keys?\u001B[31m=\n', 'https://issuer.example/keys?%1B[31m=…'],
])('of %s is %s', (address, printed) => {
  expect(printedAddress(new URL(address))).toBe(printed)
  expect(printedUri(address)).toBe(printed)
})

it.each([
  ['/keys', '/keys'],
  ['/keys?secret', '/keys?…'],
  ['/keys#secret\nsecret', '/keys?…'],
  ['/keys?a=secret@secret', '/keys?…'],
  ['the secret@issuer.example/keys', '…@issuer.example/keys'],
  ['the\nsecret@issuer.example/keys', '…@issuer.example/keys'],
  ['//name:secret@issuer.example/keys?secret', '…@issuer.example/keys?…'],
  ['https//name:secret@issuer.example/keys', '…@issuer.example/keys'],
  ['https://name:sec/ret@issuer.example/keys', '…@issuer.example/keys'],
  ['https://name:sec@ret@issuer.example:port/keys', '…@issuer.example:port/keys'],
])('of %j, which is no URL, is %j', (text, printed) => {
  expect(printedUri(text)).toBe(printed)
})

it.each([[7], [undefined], [null], [new URL('https://issuer.example/keys')]])('of %o is the value itself', (value) => {
  expect(printedUri(value)).toBe(value)
})
