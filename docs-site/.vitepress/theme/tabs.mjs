// A reader chooses a tab once: every group that has a tab of this name shows it, on every page.

const KEY = 'claimgate-tab'

/** @param {Event} event the choice of a tab */
export function rememberTab({ target }) {
  const name = target.closest('.tab-group') && target.labels[0]?.dataset.title
  if (!name) return
  try {
    localStorage.setItem(KEY, name)
  } catch {
    // The browser keeps nothing: the other pages show their first tabs.
  }
  // Groups above may become longer or shorter.
  const before = target.getBoundingClientRect().top
  show(name)
  scrollBy(0, target.getBoundingClientRect().top - before)
}

export function showRememberedTab() {
  try {
    show(localStorage.getItem(KEY))
  } catch {
    // As above.
  }
}

function show(name) {
  for (const group of document.querySelectorAll('.tab-group')) {
    const labels = [...group.querySelectorAll('.tabs label')]
    const chosen = labels.findIndex(({ dataset }) => dataset.title === name)
    if (chosen === -1) continue
    labels[chosen].control.checked = true
    const tabs = group.querySelectorAll('.blocks > .tab')
    tabs.forEach((tab, index) => tab.classList.toggle('active', index === chosen))
  }
}
