import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { fromForm, toForm, type Settings } from '../settings/form'

/** Runs looked back over for settings; older changes are not known to this page. */
const LOOK_BACK = 200
/** An app and the run that made it are written in one transaction; their times may differ by so much, milliseconds. */
const SAME_MS = 5_000

/** Settings at one moment and who set them. */
export interface Saved {
  at: number
  settings: Settings
  run: Schemas['Run'] | null
}

/**
 * What an app's settings were at any time. Releases do not carry them, but the runs that saved them do, and what a release
 * was built with is what was saved when its run was signed.
 */
export function useSettingsHistory(app: MaybeRefOrGetter<Schemas['App'] | undefined>) {
  const id = computed(() => toValue(app)?.id ?? '')
  const query = useQuery({
    // Read again when the settings are others, not with every event of a run.
    queryKey: computed(() => [...keys.apps, 'history', id.value, JSON.stringify(toValue(app)?.settings)]),
    placeholderData: keepPreviousData,
    enabled: computed(() => id.value !== ''),
    queryFn: async ({ signal }) => {
      const made = toValue(app)!
      const [updates, creations] = await Promise.all([
        page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: { appId: made.id, action: 'app.update', limit: LOOK_BACK } }, signal })),
        page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: { action: 'app.create', nodeId: made.nodeId, limit: LOOK_BACK } }, signal })),
      ])
      return history(made, updates.items, creations.items)
    },
  })
  /** The settings at a time, milliseconds; null where it is not known. */
  const at = (time: number): Saved | null => query.data.value?.findLast((saved) => saved.at <= time) ?? null
  return { saved: computed(() => query.data.value ?? []), at, isPending: query.isPending }
}

/** What was saved, oldest first. */
export function history(app: Pick<Schemas['App'], 'name' | 'createdAt'>, updates: Schemas['Run'][], creations: Schemas['Run'][]): Saved[] {
  const born = Date.parse(app.createdAt)
  const made = creations.find(
    (run) => (run.args as { name?: string }).name === app.name && run.done === 'succeeded' && Math.abs(Date.parse(run.openedAt) - born) < SAME_MS,
  )
  const kept = updates.filter((run) => run.done === 'succeeded')
  const saved = kept.map((run) => ({ at: Date.parse(run.closedAt ?? run.openedAt), settings: read(run), run }))
  if (made) saved.push({ at: 0, settings: read(made), run: made })
  return saved.sort((a, b) => a.at - b.at)
}

const read = (run: Schemas['Run']): Settings => fromForm(toForm((run.args as { settings: Settings }).settings)).settings
