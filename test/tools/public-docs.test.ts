import { describe, expect, it } from 'vitest'

import { undocumentedNames } from '../../scripts/check/public-docs.mjs'

const source = (path: string, text: string): { path: string; text: string } => ({
  path: `packages/core/src/${path}`,
  text,
})
const documented = '/** What it returns. */\n'

describe('public names', () => {
  it('pass when each has TSDoc at its declaration', () => {
    const files = [
      source('index.ts', `export { a } from './x/a.ts'\nexport type { B } from './x/a.ts'`),
      source('x/a.ts', `${documented}export async function a() {}\n${documented}export interface B {}`),
    ]
    expect(undocumentedNames(files)).toEqual([])
  })

  it('pass when they are not public', () => {
    expect(undocumentedNames([source('index.ts', ''), source('x/a.ts', 'export const a = 1')])).toEqual([])
  })

  it('pass when one of several overloads has TSDoc', () => {
    const files = [source('index.ts', `${documented}export function a(): void\nexport function a(b?: string): void {}`)]
    expect(undocumentedNames(files)).toEqual([])
  })

  it.each([
    ['re-exported', `export { a } from './x/a.ts'`, 'a'],
    ['re-exported among others and as a type', `export {\n  type b,\n  type a,\n} from './x/a.ts'`, 'a'],
    ['re-exported under another name', `export { a as c } from './x/a.ts'`, 'a'],
    ['re-exported twice', `export { a } from './x/index.ts'`, 'a'],
  ])('fail without TSDoc when %s', (_, entry, name) => {
    const files = [
      source('index.ts', entry),
      source('x/index.ts', `export { a } from './a.ts'`),
      source('x/a.ts', `// not this\nexport const a = 1\n${documented}export const b = 2`),
    ]
    expect(undocumentedNames(files)).toEqual([`packages/core/src/x/a.ts: the public name ${name} has no TSDoc`])
  })

  it('fail without TSDoc when declared in the entry itself', () => {
    expect(undocumentedNames([source('node.ts', 'export class A {}')])).toEqual([
      'packages/core/src/node.ts: the public name A has no TSDoc',
    ])
  })
})
