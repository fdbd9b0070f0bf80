import { defineAsyncComponent, h, type FunctionalComponent } from 'vue'
import { asProblem, type Problem } from '@/api/problem'
import { note } from '@/ui/notice/notices'

/** A failure in the words of the page: what happened, what to do, and what to quote. */
export interface Failure {
  title: string
  fix?: string
  detail?: string
  /** What else helps: who could give a missing permission. */
  more?: FunctionalComponent
}

const WhoGrants = defineAsyncComponent(() => import('@/app/rights/WhoGrants.vue'))
/** One for each permission, so that a page drawn anew keeps the one it has. */
const helps = new Map<string, FunctionalComponent>()

/** The permission whose lack was the reason; null where it was another. */
export const lacking = ({ code, message }: Pick<Problem, 'code' | 'message'>): string | null =>
  code === 'permission.missing' ? (/`([a-z]+:[a-z_.-]+)`/.exec(message)?.[1] ?? null) : null

function help(permission: string | null): FunctionalComponent | undefined {
  if (!permission) return undefined
  const known = helps.get(permission) ?? (() => h(WhoGrants, { permission }))
  helps.set(permission, known)
  return known
}

/** Anything caught, to be shown. */
export function failure(error: unknown): Failure {
  const problem = asProblem(error)
  return {
    title: problem.message,
    fix: problem.fix || undefined,
    detail: problem.requestId ? `Request ${problem.requestId}` : undefined,
    more: help(lacking(problem)),
  }
}

/** Says it where it stays until dismissed. */
export const noteFailure = (error: unknown): void => void note({ tone: 'bad', ...failure(error) })
