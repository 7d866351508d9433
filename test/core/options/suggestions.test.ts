import { describe, expect, it } from 'vitest'
import { nearestName, suggestion } from '../../../packages/core/src/options/suggestions.ts'

const letters = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String.fromCharCode(97 + index).repeat(9))

describe('the suggestion for an unknown option', () => {
  it.each<readonly [string, string, readonly string[], string, string]>([
    ['the name here of another library', 'iss', ['issuer'], '', 'did you mean "issuer"?'],
    ['that name inside an option', 'iss', ['issuer'], 'issuers.', 'did you mean "issuers.issuer"?'],
    [
      'that name with a note',
      'tokenUse',
      ['requiredClaims'],
      '',
      'did you mean "requiredClaims", such as { token_use: "access" }?',
    ],
    ['an option inside another one', 'cacheTTL', ['tokenCache'], '', 'did you mean "tokenCache.maxAge"?'],
    ['an option inside this one', 'cacheTTL', ['maxAge'], 'tokenCache.', 'did you mean "tokenCache.maxAge"?'],
    ['no option of another object', 'cacheTTL', ['tokenCache'], 'x.', 'the options are tokenCache'],
    ['no option of the same name elsewhere', 'cachesize', ['maxEntries'], 'x.', 'the options are maxEntries'],
    ['an option of a key set that is given directly', 'cooldownDuration', ['cooldown'], '', 'did you mean "cooldown"?'],
    ['an option of a key set', 'cooldownDuration', ['cooldown'], 'keySet.', 'did you mean "keySet.cooldown"?'],
    ['the nearest name', 'audiance', ['issuer', 'audience'], 'x.', 'did you mean "x.audience"?'],
    [
      'a requirement',
      'scopes',
      ['issuer', 'audience'],
      '',
      'what a token must grant is a requirement, such as scope("orders:read")',
    ],
    ['no requirement where no token is verified', 'scopes', ['xyz'], '', 'the options are xyz'],
    ['no requirement for a claim', 'sub', ['issuer', 'audience'], '', 'the options are issuer, audience'],
    ['nine options', 'zzz', letters(9), '', `the options are ${letters(9).join(', ')}`],
    ['no more than nine options', 'zzz', letters(10), '', 'take it out: docs/options.md lists all options'],
  ])('is %s', (_, name, known, path, text) => {
    expect(suggestion(name, known, path)).toBe(text)
  })
})

describe('the nearest name', () => {
  it.each<readonly [string, readonly string[], string | undefined]>([
    ['abc', ['abd'], 'abd'],
    ['abc', ['ade'], undefined],
    ['abcdef', ['abcdxy', 'abcdey', 'abcxyz'], 'abcdey'],
    ['max_age', ['maxAge'], 'maxAge'],
    ['e', ['issue'], undefined],
    ['e_________________', ['issue'], undefined],
    ['authority', ['issuer'], undefined],
    ['ssuer', ['issuer'], 'issuer'],
    ['issuerx', ['issuer'], 'issuer'],
  ])('to %s among %j is %s, by letters', (name, known, nearest) => {
    expect(nearestName(name, known, 'typos')).toBe(nearest)
  })

  it.each<readonly [string, readonly string[], string | undefined]>([
    ['authority', ['audience', 'ISSUER'], 'ISSUER'],
    ['issuerx', ['issuer'], 'issuer'],
    ['authority', ['audience'], undefined],
  ])('to %s among %j is %s, by the words of other libraries', (name, known, nearest) => {
    expect(nearestName(name, known, 'others')).toBe(nearest)
  })
})
