import { asProblem } from '@/api/problem'
import { note } from '@/ui/notice/notices'

/** A failure in the words of the page: what happened, what to do, and what to quote. */
export interface Failure {
  title: string
  fix?: string
  detail?: string
}

/** Anything caught, to be shown. */
export function failure(error: unknown): Failure {
  const problem = asProblem(error)
  return {
    title: problem.message,
    fix: problem.fix || undefined,
    detail: problem.requestId ? `Request ${problem.requestId}` : undefined,
  }
}

/** Says it where it stays until dismissed. */
export const noteFailure = (error: unknown): void => note({ tone: 'bad', ...failure(error) })
