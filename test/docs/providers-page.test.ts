// `npm run docs:pages` writes the profiles of docs/providers.md. These tests fail if the page differs from what it would write.
import { createVerifier, type IssuerPolicy } from '@claimgate/core'
import * as providers from '@claimgate/core/providers'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { functionOf, profileSources, providersPage } from '../../scripts/providers-page.mjs'
import { pageAt, snippet } from '../support/docs/pages.ts'

const { profiles } = providers
const root = join(import.meta.dirname, '../..')
const page = pageAt('docs/providers.md')
const source = profileSources(root)
const lines = (text: string): string[] =>
  text.split('\n').map((line) => line.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---'))

describe('docs/providers.md', () => {
  it('has what the profiles say', () => {
    expect(lines(page)).toEqual(lines(providersPage(page, source, profiles)))
  })

  it.each<[string, string, string, RegExp]>([
    [
      'a setting without TSDoc',
      '  readonly domain: string',
      '  domain: string',
      /settings of auth0 lack TSDoc: domain/,
    ],
    ['another default', "@defaultValue 'access' */", "@defaultValue 'id' */", /tokenUse of cognito says 'id'/],
  ])('cannot be written with %s', (_name, from, to, says) => {
    expect(() =>
      providersPage(
        page,
        source.replace(from, () => to),
        profiles,
      ),
    ).toThrow(says)
  })

  it.each(profiles.map(({ data }) => data.name))('has an example of %s that makes a verifier', (name) => {
    const call = functionOf(name)
    // oxlint-disable-next-line typescript/no-implied-eval -- runs the code as printed
    const run = new Function(call, `return ${snippet(`provider-${name}`)}`) as (profile: unknown) => IssuerPolicy
    expect(() => createVerifier(run(Reflect.get(providers, call)))).not.toThrow()
  })

  it('has a first example that runs', async () => {
    const code = `${snippet('providers')}\nconsole.log(typeof one.verify, typeof two.verify)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: join(root, 'test'),
    })
    expect(stdout).toBe('function function\n')
  })
})
