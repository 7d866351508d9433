/** The package manager. Its version is pinned only here. It is not installed, so scripts call it through npx. */
export const PNPM = 'pnpm@12.21.0'
