import type { Problem } from '@/api/problem'

/** Beside which field of the new app a refusal belongs; null where it concerns all of it. */
export function refusedField({ code, field, message }: Pick<Problem, 'code' | 'field' | 'message'>): string | null {
  if (field) return field.replace(/^settings\./, '')
  if (code === 'value.refused') return /^([A-Za-z][\w.[\]]*): /.exec(message)?.[1] ?? null
  if (code === 'source.reference' || code === 'source.commit') return 'reference'
  if (code === 'source.not_there') return /has no (branch|tag|commit)(?! yet)/.test(message) ? 'reference' : 'repository'
  if (code.startsWith('source.') && code !== 'source.disk') return 'repository'
  if (code.startsWith('node.')) return 'node'
  return null
}

/** A refusal without the name of its field, which stands beside it. */
export const withoutField = ({ code, message }: Pick<Problem, 'code' | 'message'>): string => {
  const words = code === 'value.refused' ? message.replace(/^[A-Za-z][\w.[\]]*: /, '') : message
  return words.charAt(0).toUpperCase() + words.slice(1)
}
