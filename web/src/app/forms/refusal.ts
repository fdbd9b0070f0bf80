import type { Problem } from '@/api/problem'

/** Refusals whose message begins with the name of a field. */
const NAMED = new Set(['value.refused', 'server.refused'])
const NAME = /^([A-Za-z][\w.[\]-]*): /

/** Which field of a body a refusal is about, in the names of the API; null where it concerns all of it. */
export const fieldOf = ({ code, field, message }: Pick<Problem, 'code' | 'field' | 'message'>): string | null =>
  field ?? (NAMED.has(code) ? (NAME.exec(message)?.[1] ?? null) : null)

/** Everything that was refused, each with its field and its words. */
export const findingsOf = (problem: Problem): { field: string | null; words: string }[] =>
  problem.findings.length > 0
    ? problem.findings.map(({ field, message, fix }) => ({ field, words: [message, fix].filter(Boolean).join(' ') }))
    : [{ field: fieldOf(problem), words: wordsOf(problem) }]

/** A refusal without the name of its field, which stands beside it, and with what to do. */
export function wordsOf({ code, message, fix }: Pick<Problem, 'code' | 'message' | 'fix'>): string {
  const words = NAMED.has(code) ? message.replace(NAME, '') : message
  return [words.charAt(0).toUpperCase() + words.slice(1), fix].filter(Boolean).join(' ')
}
