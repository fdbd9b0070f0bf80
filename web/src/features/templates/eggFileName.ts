/** Characters of a file's name, its end apart. */
const MOST = 60

/** What an exported template is called: `egg-paper-1-21.json`. Whatever a name holds, it is one plain word. */
export function eggFileName(name: string, encoding: 'json' | 'yaml'): string {
  const plain = name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, MOST).replace(/^-+|-+$/g, '')
  return `egg-${plain || 'template'}.${encoding}`
}
