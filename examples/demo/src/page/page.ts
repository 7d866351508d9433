// Shows the state of the demo, and sends what the buttons say. All text is set as text, never as HTML.
import type { KeySetState, LogEntry, ServerState, ShowState } from '../show-state.ts'

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) throw new TypeError(`The page has no ${id}`)
  return found
}

const element = <T extends keyof HTMLElementTagNameMap>(
  tag: T,
  text: string,
  className = '',
): HTMLElementTagNameMap[T] => {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

/** Replaces the children of an element only if they have changed, so that a screen reader does not read them again. */
const replace = (parent: HTMLElement, ...children: readonly HTMLElement[]): void => {
  const now = children.map((child) => child.outerHTML).join('')
  if (parent.dataset['shown'] === now) return
  parent.dataset['shown'] = now
  parent.replaceChildren(...children)
}

const clock = (seconds: number): string => {
  const whole = Math.max(0, seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

const keySetText = ({ state, keys, age, reason = '' }: KeySetState): readonly [text: string, className: string] => {
  const count = `${keys} ${keys === 1 ? 'key' : 'keys'}`
  if (state === 'none') return ['no keys yet', 'wait']
  if (age === undefined) return [`no keys (${reason})`, 'bad']
  const fetched = `${count}, fetched ${clock(age)} ago`
  return state === 'failing' ? [`${fetched}; refresh fails (${reason})`, 'wait'] : [fetched, 'good']
}

const serverCard = ({ name, url, keySet, answer }: ServerState): HTMLElement => {
  const card = element('article', '', 'panel')
  const [keys, tone] = keySetText(keySet)
  card.append(element('h2', name), element('p', url), element('p', `Key set: ${keys}`, tone))
  if (answer === undefined) {
    card.append(element('p', 'Not called yet.'))
    return card
  }
  const { status, challenge, retryAfter, body } = answer
  card.append(element('div', String(status), `status ${status < 300 ? 'good' : status === 503 ? 'wait' : 'bad'}`))
  if (challenge !== null) card.append(element('h3', 'WWW-Authenticate'), element('pre', challenge))
  if (retryAfter !== null) card.append(element('h3', 'Retry-After'), element('pre', `${retryAfter} s`))
  if (body !== '') card.append(element('h3', 'Body'), element('pre', body))
  return card
}

const logEntry = ({ number, title, text }: LogEntry): HTMLElement => {
  const entry = element('li', '')
  entry.value = number
  entry.append(element('strong', title), element('span', text))
  return entry
}

const show = ({ auth, servers, session, log }: ShowState): void => {
  const outage = byId('outage')
  outage.textContent = auth.isUp ? 'Running' : 'Down'
  outage.setAttribute('aria-checked', String(auth.isUp))
  outage.setAttribute('aria-label', `Auth service is ${auth.isUp ? 'running' : 'down'}`)
  outage.dataset['argument'] = auth.isUp ? 'down' : 'up'
  byId('auth-url').textContent = auth.url
  replace(byId('keys'), ...auth.keys.map((kid) => element('li', `${kid.slice(0, 16)}…`)))
  replace(byId('servers'), ...servers.map(serverCard))
  replace(byId('log'), ...log.map(logEntry))
  if (session === undefined) return
  const { user, form, header, claims, secondsLeft } = session
  const life = secondsLeft > 0 ? `expires in ${clock(secondsLeft)}` : 'expired'
  byId('session').textContent = `${user}: ${form}, ${life}`
  const token = byId('token')
  token.hidden = false
  token.textContent = `${JSON.stringify(header)}\n${JSON.stringify(claims)}`
}

const request = async (path: string, options?: RequestInit): Promise<void> => {
  try {
    const response = await fetch(path, options)
    show((await response.json()) as ShowState)
  } catch {
    byId('session').textContent = 'The demo has ended. Start it again: npm run demo -- --serve'
  }
}

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('button[data-act]') : null
  if (button === null) return
  const { act: name, argument = '' } = button.dataset
  const body = JSON.stringify({ name, argument })
  void request('/act', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
})

void request('/state')
setInterval(() => {
  if (!document.hidden) void request('/state')
}, 1000)
