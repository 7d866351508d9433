import { ADAPTER_OPTIONS } from '@claimgate/core/extend'
import { beforeAll, describe, expect, it } from 'vitest'
import { startChild } from '../support/resilience/child/run-child.ts'
import { hostileValues } from '../support/pollution/hostile.ts'
import { memberNames, optionalNames } from '../support/pollution/member-names.ts'
import type { Change } from '../support/pollution/scenario.ts'

const LONG = 300_000

interface Played {
  readonly reads: readonly string[]
  readonly changes: readonly Change[]
}

const GROUPS = ['core', 'features', 'adapters', 'issuer'] as const

async function play(group: (typeof GROUPS)[number] | 'vulnerable'): Promise<Played> {
  const { code, output, errors } = await startChild('../../pollution/program.ts', [group]).ended
  if (code !== 0) throw new Error(`It ended with ${code}: ${errors.slice(0, 2000)}`)
  return JSON.parse(output)
}

describe('48. Only own members count', () => {
  describe.each(GROUPS)('the sources of %s', (group) => {
    let played: Played
    beforeAll(async () => {
      played = await play(group)
    }, LONG)

    it('change no answer and permit nothing more, whatever is on Object.prototype before the start or after it', () => {
      expect(played.changes).toEqual([])
    })

    it('read no member of Object.prototype while they answer', () => {
      expect(played.reads).toEqual([])
    })
  })

  it(
    'a violation is detected',
    async () => {
      const { changes } = await play('vulnerable')
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
