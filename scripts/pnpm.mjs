/** The package manager, pinned here alone; it is not installed, so scripts call it through npx. */
export const PNPM = 'pnpm@12.21.0'
