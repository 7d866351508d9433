import { describe, expect, it } from 'vitest'

import { createIssuer, jwksHandler } from '../../packages/issuer/src/index.ts'

const URL = 'https://issuer.example/.well-known/jwks.json'
const issuer = await createIssuer({ issuer: 'https://issuer.example', jwksMaxAge: 120 })
const answer = jwksHandler(issuer)

describe('the JWK Set as a fetch handler', () => {
  it('answers GET with the set and cache headers', async () => {
    const response = answer(new Request(URL))
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/jwk-set+json',
      'cache-control': 'public, max-age=120',
      etag: issuer.jwksResponse().headers['etag'],
    })
    expect(await response.json()).toEqual(issuer.jwks())
  })

  it('answers HEAD with the same fields and no body', async () => {
    const response = answer(new Request(URL, { method: 'HEAD' }))
    expect(response.status).toBe(200)
    expect([...response.headers]).toEqual([...answer(new Request(URL)).headers])
    expect(await response.text()).toBe('')
  })

  it.each(['GET', 'HEAD'])('answers %s with 304 if the copy is current', async (method) => {
    const etag = answer(new Request(URL)).headers.get('etag') ?? ''
    const response = answer(new Request(URL, { method, headers: { 'if-none-match': etag } }))
    expect(response.status).toBe(304)
    expect(Object.fromEntries(response.headers)).toEqual({ 'cache-control': 'public, max-age=120', etag })
    expect(await response.text()).toBe('')
  })

  it('answers with the current keys', async () => {
    const own = await createIssuer({ issuer: 'https://issuer.example' })
    const respond = jwksHandler(own)
    const etag = respond(new Request(URL)).headers.get('etag') ?? ''
    const { kid } = await own.rotate()
    const response = respond(new Request(URL, { headers: { 'if-none-match': etag } }))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ keys: [{}, { kid }] })
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('answers %s with 405', async (method) => {
    const response = answer(new Request(URL, { method }))
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([405, 'GET, HEAD', ''])
  })
})
