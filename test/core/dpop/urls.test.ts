import { describe, expect, it } from 'vitest'
import { isPlainlyEqual, normalisedUrl, requestUrl } from '../../../packages/core/src/dpop/htu.ts'

const ORIGIN = 'https://api.example.com/shop'

describe('41. The URL of a proof', () => {
  it.each([
    ['https://a.example', 'https://a.example/'],
    ['HTTP://A.example:80/b?c#d', 'http://a.example/b'],
    ['https://a.example/%7e/%2f/%3A', 'https://a.example/~/%2F/%3A'],
    ['https://a.example/b/../c', 'https://a.example/c'],
    ['https://a.example:65536/', undefined],
    ['https://[::1/', undefined],
    ['https://a.example/\\', undefined],
    ['https://b@a.example/', undefined],
    ['ftp://a.example/', undefined],
    ['/orders', undefined],
  ])('%s is compared as %s', (url, normalised) => {
    expect(normalisedUrl(url)).toBe(normalised)
  })

  it.each([
    ['/orders?page=2', `${ORIGIN}/orders`],
    ['/%6frders', `${ORIGIN}/orders`],
    ['/a/../orders', undefined],
    ['/a/%2E', undefined],
    ['/orders?next=/../', `${ORIGIN}/orders`],
  ])('of a request for %s is %s', (target, url) => {
    expect(requestUrl(ORIGIN, target)).toBe(url)
  })

  it('equals that of a request plainly only if nothing must be normalised', () => {
    expect(isPlainlyEqual(`${ORIGIN}/orders`, ORIGIN, '/orders')).toBe(true)
    for (const target of ['/a/../b', '/%6frders', '/orders?a', '/orders#a', '/orders.json', 'orders', ''])
      expect(isPlainlyEqual(`${ORIGIN}${target}`, ORIGIN, target), target).toBe(false)
    for (const htu of [`${ORIGIN}/other`, ORIGIN, '', undefined, [`${ORIGIN}/orders`]])
      expect(isPlainlyEqual(htu, ORIGIN, '/orders')).toBe(false)
  })
})
