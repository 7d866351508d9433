/** The anchor that a forge makes from a heading, so that a link works in the repository and on the site. */
export function githubSlug(title) {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
