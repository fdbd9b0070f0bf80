const FULL = /^([0-9a-f]{40}|[0-9a-f]{64})$/
// What `git check-ref-format` refuses; the control plane checks it again.
const BAD = /[\s~^:?*[\\\p{Cc}]|\.\.|@\{|\/\/|\/\.|^[-/.]|[/.]$|\.lock$|^@$/u
const MOST_BYTES = 255

/** What was typed as a branch or tag, or as a full commit; null where it can be neither. */
export function revision(typed: string): { reference: string } | { commit: string } | null {
  const text = typed.trim()
  if (FULL.test(text.toLowerCase())) return { commit: text.toLowerCase() }
  return text && text.length <= MOST_BYTES && !BAD.test(text) ? { reference: text } : null
}
