import theme from 'vitepress/theme'

import { rememberTab, showRememberedTab } from './tabs.mjs'

import './tabs.css'

export default {
  ...theme,
  enhanceApp(context) {
    theme.enhanceApp?.(context)
    if (import.meta.env.SSR) return
    document.addEventListener('change', rememberTab)
    // Once the page is there.
    context.router.onAfterRouteChange = () => setTimeout(showRememberedTab)
  },
}
