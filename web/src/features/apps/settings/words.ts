/** A command line as its words, as a shell would split it; no shell ever sees it. Throws where a quote is not closed. */
export function words(line: string): string[] {
  const found: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!
    if (quote) {
      if (char === quote) quote = null
      else if (char === '\\' && quote === '"' && /["\\]/.test(line[at + 1] ?? '')) word += line[++at]!
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\' && at + 1 < line.length) {
      word = (word ?? '') + line[++at]!
    } else if (/\s/.test(char)) {
      if (word !== null) found.push(word)
      word = null
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote) throw new SyntaxError(`A ${quote} is opened and not closed.`)
  if (word !== null) found.push(word)
  return found
}

const isPlain = /^[^\s"'\\]+$/

/** Words as a line that {@link words} splits the same way. */
export const line = (argv: readonly string[]): string =>
  argv.map((word) => (isPlain.test(word) ? word : word.includes("'") ? `"${word.replace(/["\\]/g, '\\$&')}"` : `'${word}'`)).join(' ')

/** Characters by which a shell would do more than start a program; nothing here does it. */
export const needsShell = (text: string): boolean => /(&&|\|\||[|;<>`]|\$\(|\$\{?[A-Za-z_])/.test(text.replace(/'[^']*'/g, ''))
