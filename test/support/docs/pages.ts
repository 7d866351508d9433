import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

const paths = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
]

/** Every page that readers copy code from, by path. */
export const pages: ReadonlyMap<string, string> = new Map(
  paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)

/** Code on a page, with the name in the comment above it: `<!-- run: name -->`. */
export interface Snippet {
  readonly page: string
  /** `undefined` for code without a name, which no test can run. */
  readonly name: string | undefined
  readonly code: string
}

/** Every block of JavaScript and TypeScript, in the order of the pages. */
export const snippets: readonly Snippet[] = [...pages].flatMap(([page, text]) =>
  [...text.matchAll(/(?:<!-- run: (\S+) -->\n+)?```(?:js|ts)\n([^]*?)```/g)].map(([, name, code = '']) => ({
    page,
    name,
    code,
  })),
)

/** The code of a name. The same code may be on several pages. */
export function snippet(name: string): string {
  const found = snippets.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`No page has the snippet "${name}"`)
  return found.code
}

/** The lines of shell of a name. */
export function shellSnippet(name: string): string {
  for (const text of pages.values()) {
    const [, lines] = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`sh\\n([^]*?)\`\`\``).exec(text) ?? []
    if (lines !== undefined) return lines
  }
  throw new Error(`No page has the shell snippet "${name}"`)
}

/** A page by its path. */
export function pageAt(path: string): string {
  const text = pages.get(path)
  if (text === undefined) throw new Error(`There is no page ${path}`)
  return text
}
