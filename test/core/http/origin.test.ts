import { decodedPath, publicUrl, resolveOrigin, withoutOrigin } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'

describe('the public origin', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    ['https://API.example.com:443/Orders/', 'https://api.example.com/Orders'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['https://api.example.com/a///', 'https://api.example.com/a'],
    ['https://[::1]:8443/a/b', 'https://[::1]:8443/a/b'],
  ])('%s is accepted as %s', (given, expected) => {
    expect(resolveOrigin('create binding', given)).toBe(expected)
  })

  it.each([
    undefined,
    null,
    7,
    '',
    'api.example.com',
    '//api.example.com',
    'ftp://api.example.com',
    'https://user@api.example.com',
    'https://api.example.com?a=b',
    'https://api.example.com/#a',
    String.raw`https://api.example.com\a`,
    'https://api.example.com/a b',
    ' https://api.example.com',
    'viahttps://api.example.com',
    'https://api.example.com\n',
    'https://',
    new URL('https://api.example.com'),
  ])('cannot be %j', (given) => {
    expect(() => resolveOrigin('create binding', given)).toThrow(
      'Cannot create binding: "origin" must be the public origin of this API',
    )
  })
})

describe('the public URL of a request', () => {
  const origin = 'https://api.example.com/prefix'
  it.each([
    ['/orders?page=2', '/orders?page=2'],
    ['/', '/'],
    ['//evil.example/a', '//evil.example/a'],
    ['/a/../b/%2e%2E/%7Ec', '/a/../b/%2e%2E/%7Ec'],
    ['http://evil.example/orders?page=2', '/orders?page=2'],
    ['HTTPS://user@evil.example:1/orders', '/orders'],
    ['https://evil.example', '/'],
    ['https://evil.example?page=2', '/?page=2'],
    ['/https://evil.example/a', '/https://evil.example/a'],
    ['*', ''],
    ['evil.example:443', '/evil.example:443'],
    ['', '/'],
  ])('of the target %j is the origin and %j', (target, path) => {
    expect(publicUrl(origin, target)).toBe(origin + path)
  })
})

describe('a path of a request', () => {
  it.each([
    ['https://api.example.com/a?b#c', '/a?b#c'],
    ['HTTP://api.example.com', ''],
    ['/a://b', '/a://b'],
    ['//a/b', '//a/b'],
    ['*', '*'],
  ])('%s without an origin is %s', (target, path) => {
    expect(withoutOrigin(target)).toBe(path)
  })

  it.each([
    ['/a%20b/%C3%A9', '/a b/é'],
    ['/a%2fb', undefined],
    ['/a%3Fb', undefined],
    ['/a%40b', undefined],
    ['/a%2', undefined],
    ['/%ff', undefined],
  ])('%s is %s for a router', (path, decoded) => {
    expect(decodedPath(path)).toBe(decoded)
  })
})
