const COUNTS = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/')
  COUNTS[character.charCodeAt(0)] = 1

/** Whether so many letters of base64 or base64url follow each other. Without a pattern, for it is asked of everything. */
export function hasRun(text: string, length: number): boolean {
  let run = 0
  for (let at = 0; at < text.length; at += 1) {
    run = COUNTS[text.charCodeAt(at)] === 1 ? run + 1 : 0
    if (run === length) return true
  }
  return false
}
