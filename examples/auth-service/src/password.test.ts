import { describe, expect, it } from 'vitest'
import { createCredentialCheck } from './credentials.ts'
import { hashPassword, passwordMatches } from './password.ts'

describe('a password hash', () => {
  it('matches its password and no other', async () => {
    const hash = await hashPassword('secret')
    expect(await passwordMatches('secret', hash)).toBe(true)
    expect(await passwordMatches('Secret', hash)).toBe(false)
    expect(await passwordMatches('', hash)).toBe(false)
  })

  it('has its own random salt and does not contain the password', async () => {
    const [one, two] = [await hashPassword('secret'), await hashPassword('secret')]
    expect(one).toMatch(/^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/)
    expect(one.split('$')[4]).not.toBe(two.split('$')[4])
    expect(one).not.toContain('secret')
  })

  it('matches whichever way a keyboard composes the characters', async () => {
    expect(await passwordMatches('caf\u0065\u0301', await hashPassword('caf\u00e9'))).toBe(true)
  })

  it.each(['', 'plain', 'scrypt$16384$8$5$c2FsdA$', 'bcrypt$1$2$3$c2FsdA$a2V5'])('is not %j', async (hash) => {
    await expect(passwordMatches('secret', hash)).rejects.toThrow('unknown hash format')
  })
})

describe('the credential check', () => {
  it('hashes as much for an unknown name as for a known one', async () => {
    const compared: string[] = []
    const passwordHash = await hashPassword('secret')
    const find = (userName: string) =>
      userName === 'ada' ? { userName, role: 'reader' as const, passwordHash } : undefined
    const check = createCredentialCheck({ find }, async (password, hash) => {
      compared.push(hash.split('$').slice(0, 4).join('$'))
      return passwordMatches(password, hash)
    })

    expect(await check({ userName: 'ada', password: 'wrong' })).toBeUndefined()
    expect(await check({ userName: 'eve', password: 'secret' })).toBeUndefined()
    expect(compared).toEqual(['scrypt$16384$8$5', 'scrypt$16384$8$5'])
  })

  it('rejects an unknown name even if the substitute hash matches', async () => {
    const check = createCredentialCheck({ find: () => undefined }, async () => true)
    expect(await check({ userName: 'eve', password: 'x' })).toBeUndefined()
  })
})
