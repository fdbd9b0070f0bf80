import { reactive, type FunctionalComponent } from 'vue'

export interface Notice {
  id: number
  tone: 'good' | 'bad' | 'info'
  title: string
  /** What to do. */
  fix?: string
  /** Small print: a request id. */
  detail?: string
  /** What else helps, below it. */
  more?: FunctionalComponent
  /** A link on it. */
  to?: string
  action?: string
}

/** Good news goes by itself after so long; bad news stays until dismissed. */
const GOOD_MS = 5_000
/** More failures than this and the oldest fold away. */
const MAX_NOTICES = 5

export const notices = reactive<Notice[]>([])
let next = 1

/** Shows it and answers its id. Where `keeper` is given, it stays until its keeper dismisses it, also beside a twin. */
export function note(notice: Omit<Notice, 'id'>, keeper?: 'kept'): number {
  const twin = keeper ? undefined : notices.find((other) => other.title === notice.title && other.tone === notice.tone)
  if (twin) dismiss(twin.id)
  const id = next++
  notices.push({ ...notice, id })
  if (notices.length > MAX_NOTICES) notices.splice(0, 1)
  if (notice.tone !== 'bad' && !keeper) setTimeout(() => dismiss(id), GOOD_MS)
  return id
}

export function dismiss(id: number): void {
  const at = notices.findIndex((notice) => notice.id === id)
  if (at >= 0) notices.splice(at, 1)
}
