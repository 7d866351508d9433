import { describe, expect, it } from 'vitest'

import { layeringViolations } from '../../scripts/check/layering.mjs'

const core = (inSource: string, text = ''): { path: string; text: string } => ({
  path: `packages/core/src/${inSource}`,
  text,
})

const issuer = (inSource: string, text: string): { path: string; text: string } => ({
  path: `packages/issuer/src/${inSource}`,
  text,
})

describe('layering lets', () => {
  it.each([
    ['a unit import a lower one', core('errors/auth-error.ts', `import { x } from '../model/token.ts'`)],
    ['a unit import itself', core('keys/a.ts', `export * from './b.ts'`)],
    [
      'key set options choose the fetch',
      core('keys/remote/options.ts', `import { defaultFetch } from '#default-fetch'`),
    ],
    ['core import jose', core('jws/a.ts', `import { compactVerify } from 'jose'`)],
    [
      'core import types of the schema standard',
      core('pipeline/options.ts', `import type { X } from '@standard-schema/spec'`),
    ],
    ['the node entry import undici', core('node.ts', `import { Agent } from 'undici'`)],
    ['the node transport import Node', core('platform/default-fetch.node.ts', `import { isIP } from 'node:net'`)],
    ['a feature import adapter', core('jwe/index.ts', `import { AuthError } from '../adapter.ts'`)],
    ['an entry point for KMS import its SDK', issuer('kms/a.ts', `import { SignCommand } from '@aws-sdk/client-kms'`)],
    ['an entry point for a platform import the issuer', issuer('kms/a.ts', `import { x } from '../refusal.ts'`)],
    ['only comments and strings', core('model/a.ts', ` * import { x } from '../jws/x.ts'\n// import 'undici'`)],
    [
      'an adapter import core',
      { path: 'packages/express/src/a.ts', text: `import { x } from '@claimgate/core/adapter'` },
    ],
  ])('%s', (_, file) => {
    expect(layeringViolations([file])).toEqual([])
  })
})

describe('layering refuses', () => {
  it.each([
    [
      'an import upwards',
      core('model/a.ts', `import { x } from '../errors/auth-error.ts'`),
      '"model" is below "errors"',
    ],
    ['a type import upwards', core('errors/a.ts', `import type { X } from '../keys/x.ts'`), '"errors" is below "keys"'],
    ['a re-export upwards', core('keys/a.ts', `export { x } from '../jws/x.ts'`), '"keys" is below "jws"'],
    [
      'a lazy import upwards',
      core('keys/a.ts', `const x = await import('../pipeline/x.ts')`),
      '"keys" is below "pipeline"',
    ],
    [
      'an import over several lines',
      core('keys/a.ts', `import {\n  x,\n} from '../pipeline/x.ts'`),
      'is below "pipeline"',
    ],
    ['siblings', core('http/a.ts', `import { x } from '../claims/x.ts'`), '"http" and "claims" are siblings'],
    ['options in the model', core('model/a.ts', `import type { A } from '../options/a.ts'`), 'is below "options"'],
    [
      'one runtime’s transport',
      core('pipeline/a.ts', `import { x } from '../platform/default-fetch.web.ts'`),
      'lets the runtime',
    ],
    ['the transport below options', core('keys/a.ts', `import { x } from '#default-fetch'`), 'may choose a fetch'],
    ['a unit without a layer', core('stray.ts', `import { x } from './model/x.ts'`), '"stray" has no layer'],
    ['undici in core', core('keys/a.ts', `import { Agent } from 'undici'`), 'packages/core may import only'],
    ['Node in core', core('keys/a.ts', `import 'node:crypto'`), 'packages/core may import only'],
    [
      'values of the schema standard',
      core('pipeline/options.ts', `import { x } from '@standard-schema/spec'`),
      'may import only',
    ],
    ['a package whose name starts alike', core('keys/a.ts', `import x from 'jose-extra'`), 'may import only'],
    ['core knowing a feature', core('index.ts', `export { x } from './jwe/index.ts'`), 'know its features'],
    ['a feature reaching inside', core('jwe/a.ts', `import { x } from '../keys/x.ts'`), 'only adapter'],
    ['a feature reaching another', core('jwe/a.ts', `import { x } from '../denylist/x.ts'`), 'only adapter'],
    ['a path out of the package', core('keys/a.ts', `import '../../../issuer/src/x.ts'`), 'leave its package'],
    ['jose in an adapter', { path: 'packages/fastify/src/a.ts', text: `import { x } from 'jose'` }, 'may import only'],
    ['the SDK of KMS elsewhere', issuer('a.ts', `import '@aws-sdk/client-kms'`), 'may import only jose'],
    ['the SDK of another service', issuer('kms/a.ts', `import '@aws-sdk/client-ssm'`), 'may import only jose'],
    ['Node beside KMS', issuer('kms/a.ts', `import 'node:crypto'`), 'may import only jose'],
    ['KMS in the issuer', issuer('index.ts', `export * from './kms/index.ts'`), '"kms" is a separate entry point'],
    ['one platform in another', issuer('kms/a.ts', `import '../node/a.ts'`), '"node" is a separate entry point'],
    ['core in the issuer', { path: 'packages/issuer/src/a.ts', text: `import '@claimgate/core'` }, 'may import only'],
  ])('%s', (_, file, reason) => {
    expect(layeringViolations([file])).toEqual([expect.stringContaining(reason)])
  })

  it('a cycle, including one of types', () => {
    const files = [
      core('keys/a.ts', `import { b } from './b.ts'`),
      core('keys/b.ts', `import type { C } from './c.ts'`),
      core('keys/c.ts', `import { a } from './a.ts'`),
    ]
    expect(layeringViolations(files)).toEqual([
      'import cycle: packages/core/src/keys/a.ts -> packages/core/src/keys/b.ts -> packages/core/src/keys/c.ts -> packages/core/src/keys/a.ts',
    ])
  })

  it('and names the file, the line and the specifier', () => {
    const [violation] = layeringViolations([core('model/a.ts', `// first\nimport { x } from 'undici'`)])
    expect(violation).toMatch(/^packages\/core\/src\/model\/a\.ts:2 imports undici: /)
  })
})
