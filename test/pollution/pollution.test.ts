import { ADAPTER_OPTIONS } from '@claimgate/core/extend'
import { describe, expect, it } from 'vitest'
import { startChild } from '../support/resilience/child/run-child.ts'
import { hostileValues } from '../support/pollution/hostile.ts'
import { memberNames, optionalNames } from '../support/pollution/member-names.ts'
import type { Change } from '../support/pollution/scenario.ts'

const LONG = 300_000

async function play(group: string, mode: 'reads' | 'changes'): Promise<unknown> {
  const { code, output, errors } = await startChild('../../pollution/program.ts', [group, mode]).ended
  if (code !== 0) throw new Error(`It ended with ${code}: ${errors.slice(0, 2000)}`)
  return JSON.parse(output)
}

describe('48. Only own members count', () => {
  it.each(['core', 'features', 'adapters', 'issuer'])(
    'no answer of %s changes or is more permissive, whatever is on Object.prototype before the start or after it',
    async (group) => {
      expect(await play(group, 'changes')).toEqual([])
    },
    LONG,
  )

  it.each(['core', 'features', 'adapters', 'issuer'])(
    'no source of %s reads a member of Object.prototype while it answers',
    async (group) => {
      expect(await play(group, 'reads')).toEqual([])
    },
    LONG,
  )

  it(
    'a violation is detected',
    async () => {
      const changes = (await play('vulnerable', 'changes')) as readonly Change[]
      expect(changes.map(({ before, after }) => [before, after])).toContainEqual(['false', 'true'])
      expect(new Set(changes.map(({ when }) => when))).toEqual(new Set(['before the start', 'after the start']))
    },
    LONG,
  )

  it('covers every option, context, registered claim, and header and key member', async () => {
    const tried = new Set([...Object.keys(await hostileValues()), ...optionalNames(), ...ADAPTER_OPTIONS])
    for (const name of [
      'jwks',
      'asOf',
      'auth',
      'iss',
      'nbf',
      'kid',
      'key_ops',
      'setJti',
      'ifNoneMatch',
      'JWT_PUBLIC_KEY',
    ])
      expect(tried).toContain(name)
    expect(memberNames()).toEqual(expect.arrayContaining([...optionalNames()]))
  })
})
