export type Field = 'code' | 'email' | 'name' | 'password'

/** Which field a refusal speaks of; null where it speaks of none. */
export function fieldOf(problem: { code: string; field: string | null }): Field | null {
  if (problem.field === 'code' || problem.field === 'email' || problem.field === 'name' || problem.field === 'password') return problem.field
  if (problem.code.startsWith('password.')) return 'password'
  if (problem.code === 'setup.wrong' || problem.code === 'setup.over') return 'code'
  return null
}
