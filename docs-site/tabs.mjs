// Tabs. In the repository, a page has one block of code after the other, each with its sentence and a comment that names its tab.

const TAB = /^(?<before>.*)<!-- tab: (?<name>[^>]+?) -->$/
const FENCE = /^```/

/**
 * A paragraph that ends with `<!-- tab: Express -->` and the block of code after it are a tab. Tabs that follow each other are a group. A
 * paragraph that says only the name of its tab is left out.
 *
 * @param {string} text Markdown
 * @returns {string} Markdown with the markup of VitePress' code groups
 */
export function withTabs(text) {
  const parts = partsOf(text.split('\n'))
  let group = 0
  return parts
    .map((part, index) => {
      if (part.name === undefined) return part.lines.join('\n')
      if (parts[index - 1]?.name !== undefined) return undefined
      const rest = parts.slice(index)
      const end = rest.findIndex(({ name }) => name === undefined)
      return groupOf(end === -1 ? rest : rest.slice(0, end), ++group)
    })
    .filter((part) => part !== undefined)
    .join('\n')
}

/** Cuts a page into tabs and the text between them. Empty lines between two tabs belong to the second. */
function partsOf(lines) {
  const parts = []
  let text = []
  for (let at = 0; at < lines.length; at++) {
    const name = TAB.exec(lines[at])?.groups.name
    if (name === undefined) {
      text.push(lines[at])
      continue
    }
    const start = paragraphStart(text)
    const end = endOfCode(lines, at, name)
    const before = text.slice(0, start)
    if (before.some((line) => line !== '')) parts.push({ lines: before })
    const saysOnlyName = start === text.length && TAB.exec(lines[at]).groups.before === `${name}: `
    parts.push({ name, lines: [...text.slice(start), ...lines.slice(saysOnlyName ? at + 1 : at, end)] })
    at = end - 1
    text = []
  }
  return [...parts, { lines: text }]
}

function paragraphStart(lines) {
  return lines.findLastIndex((line) => line === '') + 1
}

function endOfCode(lines, from, name) {
  const open = lines.findIndex((line, index) => index > from && FENCE.test(line))
  const close = lines.findIndex((line, index) => index > open && FENCE.test(line))
  if (open === -1 || close === -1) throw new Error(`The tab ${name} has no block of code`)
  return close + 1
}

function groupOf(tabs, group) {
  const labels = tabs.map(({ name }, index) => {
    const id = `tab-${group}-${index}`
    return `<input type="radio" name="tabs-${group}" id="${id}"${index === 0 ? ' checked' : ''}><label for="${id}" data-title="${name}">${name}</label>`
  })
  const blocks = tabs.map(
    ({ lines }, index) => `<div class="vp-block tab${index === 0 ? ' active' : ''}">\n\n${lines.join('\n')}\n\n</div>`,
  )
  return `\n<div class="vp-code-group tab-group"><div class="tabs">${labels.join('')}</div><div class="blocks">\n\n${blocks.join('\n')}\n\n</div></div>\n`
}
