import type { Line } from '@/api/lines'

/** Lines quoted with a failure. */
const QUOTED = 8
/** Words that stand near a cause. */
const CAUSE = /error|exception|panic|fatal|cannot|can't|failed|denied|refused|not found|no such|undefined|traceback|unhandled|segfault|killed|out of memory|ENOENT|EADDRINUSE|EACCES|npm ERR/i

/** The lines to blame: around the last word of a cause, or else the last ones written. Notes of the machine are not a program's. */
export function guiltyLines(lines: readonly Line[], most = QUOTED): Line[] {
  const said = lines.filter((line) => line.stream !== 'note' && line.text.trim() !== '')
  const errors = said.filter((line) => line.stream === 'err')
  const from = errors.length > 0 ? errors : said
  // A stack trace begins with its cause: the first such line of the last outburst.
  const tail = from.slice(-40)
  const cause = tail.findIndex((line) => CAUSE.test(line.text))
  if (cause < 0) return from.slice(-most)
  const start = Math.max(0, cause - 1)
  return tail.slice(start, start + most)
}
