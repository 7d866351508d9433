import { describe, expect, it } from 'vitest'

import { freshSeconds, clampFreshness } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'

describe('the seconds an answer is fresh', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'cache-control': 'max-age=600' }, 600],
    [{ 'cache-control': 'public, Max-Age = 600 , must-revalidate' }, 600],
    [{ 'cache-control': 'public,max-age=600' }, 600],
    [{ 'cache-control': 'public max-age="600"' }, 600],
    [{ 'cache-control': 's-maxage=600' }, undefined],
    [{ 'cache-control': 's-max-age=600' }, undefined],
    [{ 'cache-control': 'max-age' }, undefined],
    [{ 'cache-control': 'max-age=soon' }, undefined],
    [{ 'cache-control': 'max-age=-1' }, undefined],
    [{ 'cache-control': 'no-store, max-age=600' }, undefined],
    [{ 'cache-control': 'max-age=600, No-Cache' }, undefined],
    [{ 'cache-control': 'no-transform, max-age=600' }, 600],
    [{ 'cache-control': 'max-age=0' }, 60],
    [{ 'cache-control': 'max-age=59' }, 60],
    [{ 'cache-control': 'max-age=61' }, 61],
    [{ 'cache-control': 'max-age=86400' }, 86_400],
    [{ 'cache-control': 'max-age=86401' }, 86_400],
    [{ 'cache-control': 'max-age=9999999999' }, 86_400],
    [{ 'cache-control': 'max-age=600', age: '100' }, 500],
    [{ 'cache-control': 'max-age=600', age: '0000000100' }, 500],
    [{ 'cache-control': 'max-age=600', age: '1000' }, 60],
    [{ 'cache-control': 'max-age=600', age: '-100' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100 s' }, 600],
    [{ 'cache-control': 'max-age=600', age: 'x100' }, 600],
    [{ 'cache-control': 'max-age=600', age: '00000000100' }, 600],
    [{ age: '100' }, undefined],
  ])('with %j are %s', (headers, seconds) => {
    expect(freshSeconds(new Headers(headers))).toBe(seconds)
  })

  it('are limited to a minute and a day', () => {
    expect([-1, 60, 3600, 86_400, 1e9].map(clampFreshness)).toEqual([60, 60, 3600, 86_400, 86_400])
  })
})
