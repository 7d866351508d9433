import theme from 'vitepress/theme'
import { useRoute } from 'vitepress'
import { nextTick, onMounted, watch } from 'vue'

import { rememberTab, showRememberedTab } from './tabs.mjs'

import './tabs.css'

export default {
  ...theme,
  setup() {
    const route = useRoute()
    onMounted(() => {
      document.addEventListener('change', rememberTab)
      showRememberedTab()
    })
    watch(
      () => route.path,
      () => nextTick(showRememberedTab),
    )
  },
}
