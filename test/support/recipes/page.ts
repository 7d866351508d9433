import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

/** Where the frameworks of the recipes are installed. Code that imports them must be written to a folder below, `.run-…`. */
export const INSTALLED: string = join(root, 'test/recipes')

/**
 * The code on a page of docs/recipes with the name in the comment above it: `<!-- recipe: server -->`.
 *
 * @param page the name of the page, such as `koa`
 * @param name the name of the code
 */
export function recipeCode(page: string, name: string): string {
  const text = readFileSync(join(root, 'docs/recipes', `${page}.md`), 'utf8')
  const [, code] = new RegExp(`<!-- recipe: ${name} -->\\n+\`\`\`\\w+\\n([^]*?)\`\`\``).exec(text) ?? []
  if (code === undefined) throw new Error(`docs/recipes/${page}.md has no code "${name}"`)
  return code
}

/**
 * The number of lines that a user must write to connect Claimgate: without imports, comments, blank lines and configuration, which is every
 * statement such as `const name = create(…)` or `const name = new Name(…)`.
 */
export function glueLines(code: string): number {
  const statements = code.split(/\n(?=[^\s)}\]])/)
  const isGlue = (statement: string): boolean =>
    !/^(?:import|\/\/) /.test(statement) &&
    !/^(?:export )?const \w+ = (?:new )?\w+\(.*[^>]$/m.test(statement.split('\n', 1)[0] ?? '')
  const lines = statements.filter(isGlue).flatMap((statement) => statement.split('\n'))
  return lines.filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length
}
