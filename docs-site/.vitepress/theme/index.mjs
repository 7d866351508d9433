import theme from 'vitepress/theme'

import './tabs.css'

export default theme
