import { describe, expect, it } from 'vitest'
import { optionsFromEnvironment } from './index.ts'

describe('the environment', () => {
  it('may be empty', () => {
    expect(optionsFromEnvironment({})).toEqual({ port: 4000 })
    expect(optionsFromEnvironment({ PORT: '', JWT_ISSUER: '', AUTH_AUDIENCE: ' , ', AUTH_DATABASE: '' })).toEqual({
      port: 4000,
    })
  })

  it('sets the option of every variable', () => {
    expect(
      optionsFromEnvironment({
        PORT: '0',
        JWT_ISSUER: 'https://login.example',
        AUTH_AUDIENCE: 'orders-api, stock-api',
        AUTH_DATABASE: '/srv/people.sqlite',
        AUTH_ROTATE_EVERY: '3600',
      }),
    ).toEqual({
      port: 0,
      issuer: 'https://login.example',
      audience: ['orders-api', 'stock-api'],
      database: '/srv/people.sqlite',
      rotateEverySeconds: 3600,
    })
  })

  it('sets the URLs that are notified of ended sessions', () => {
    const { logoutUris } = optionsFromEnvironment({ AUTH_LOGOUT_URIS: 'http://a.example/x, http://b.example/x,' })
    expect(logoutUris?.()).toEqual(['http://a.example/x', 'http://b.example/x'])
  })

  it.each([
    [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535, found "65536"'],
    [{ PORT: 'http' }, 'PORT must be a whole number from 0 to 65535, found "http"'],
    [{ PORT: '0x10' }, 'PORT must be a whole number from 0 to 65535, found "0x10"'],
    [{ AUTH_ROTATE_EVERY: '0' }, 'AUTH_ROTATE_EVERY must be a whole number from 1 to 2000000, found "0"'],
    [{ AUTH_ROTATE_EVERY: '1.5' }, 'AUTH_ROTATE_EVERY must be a whole number from 1 to 2000000, found "1.5"'],
  ])('is rejected as %j', (env, message) => {
    expect(() => optionsFromEnvironment(env)).toThrow(new TypeError(`Cannot start auth service: ${message}`))
  })
})
