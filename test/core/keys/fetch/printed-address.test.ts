import { expect, it } from 'vitest'

import { printedAddress } from '../../../../packages/core/src/keys/fetch/key-uri.ts'

it.each([
  ['https://issuer.example', 'https://issuer.example/'],
  ['https://issuer.example:444/a/keys', 'https://issuer.example:444/a/keys'],
  ['https://name:secret@issuer.example/keys#secret', 'https://issuer.example/keys'],
  ['https://issuer.example/keys?api_key=secret', 'https://issuer.example/keys?api_key=…'],
  ['https://issuer.example/keys?a=1=2&b=&secret&c=3', 'https://issuer.example/keys?a=…&b=…&…&c=…'],
  ['name:secret@issuer.example/keys', 'name://…@issuer.example/keys'],
  ['https://issuer.example/keys?=secret', 'https://issuer.example/keys?=…'],
  ['https://issuer.example/keys?\u001B[31m=\n', 'https://issuer.example/keys?%1B[31m=…'],
])('of %s is %s', (address, printed) => {
  expect(printedAddress(new URL(address))).toBe(printed)
})
