/** What stands together, as in the README. A page that is in no section comes last, so that none is hidden. */
const SECTIONS = [
  ['Start', ['index', 'getting-started', 'options', 'errors', 'recipes', 'providers', 'troubleshooting']],
  ['Tokens', ['keys-and-outages', 'introspection', 'encrypted-tokens', 'revocation', 'issuer']],
  ['Clients', ['dpop', 'mtls', 'step-up', 'resource-metadata', 'mcp']],
  ['Operation', ['operations', 'shared-state', 'testing', 'security', 'threat-model']],
  ['Packages', /^packages\//],
  ['Frameworks and sockets', /^recipes\//],
  ['Moving from another library', /^migrate/],
  ['Project', ['architecture', 'benchmarks', 'decisions/index']],
  ['Decisions', /^decisions\/\d/],
]

/**
 * @param {{ path: string, title: string }[]} pages
 * @param {string[]} api the entry points in the API reference
 */
export function sidebar(pages, api) {
  const left = new Map(pages.map((page) => [page.path, page]))
  const sections = SECTIONS.map(([text, chosen]) => {
    const paths = Array.isArray(chosen) ? chosen : [...left.keys()].filter((path) => chosen.test(path))
    const items = paths.filter((path) => left.has(path)).map((path) => itemOf(left.get(path)))
    for (const path of paths) left.delete(path)
    return { text, collapsed: text !== 'Start', items }
  })
  const rest = [...left.values()].map(itemOf)
  return [
    ...sections,
    ...(rest.length > 0 ? [{ text: 'More', collapsed: false, items: rest }] : []),
    { text: 'API reference', collapsed: true, items: api.map((name) => ({ text: name, link: `/api/${name}` })) },
  ]
}

function itemOf({ path, title }) {
  return { text: path === 'index' ? 'Overview' : title, link: `/${path.replace(/(^|\/)index$/, '$1')}` }
}
