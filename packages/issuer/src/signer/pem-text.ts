/**
 * A PEM text as it was before it was put into an environment variable: line breaks that are written out (`\n`) are line breaks
 * again, and the base64 of a whole PEM is taken back. Any other text stays as it is.
 */
export const pemText = (text: string): string => {
  const pem = text.includes('-----BEGIN ') ? text : fromBase64(text)
  return pem.replaceAll(String.raw`\n`, '\n')
}

const fromBase64 = (text: string): string => {
  const base64 = text.replaceAll(/\s/g, '')
  try {
    return /^[A-Za-z0-9+/]+=*$/.test(base64) ? atob(base64) : text
  } catch {
    return text
  }
}
