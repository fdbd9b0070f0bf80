import { useMutation, useQueryClient, type QueryKey } from '@tanstack/vue-query'
import { ref, type Ref } from 'vue'
import type { Plan, Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { showRun } from './live'

/** A write that can say first what it would do. */
export interface Act {
  /** In the imperative, as on its button: "Restart shop". */
  title: string
  /** What sets this verb apart from its neighbours, one or two sentences. */
  about?: string
  /** It deletes or stops something: the button is red and says so. */
  danger?: boolean
  /** What has to be typed before a loss that nothing undoes. */
  confirm?: string
  plan: () => Promise<Plan>
  /** Does it; a run that goes on is answered and its timeline opened. */
  perform: () => Promise<{ run?: Schemas['Run'] } | unknown>
  /** What it makes stale besides what events tell. */
  touches?: QueryKey[]
  /** After success. */
  done?: (answer: unknown) => void
}

const current: Ref<Act | null> = ref(null)

/** The act whose plan is on screen; shown by the shell, so that any page and the palette may ask. */
export const plannedAct = current

/** Shows what an act would do and lets the person decide: plan before apply. */
export const propose = (act: Act): void => {
  current.value = act
}

const hasRun = (answer: unknown): answer is { run: Schemas['Run'] } =>
  typeof answer === 'object' && answer !== null && 'run' in answer && !!(answer as { run?: unknown }).run

/** Performs acts; the run they open is put on screen at once, before any event tells of it. */
export function usePerform() {
  const client = useQueryClient()
  return useMutation({
    meta: { shown: true },
    mutationFn: (act: Act) => act.perform(),
    onSuccess: (answer, act) => {
      if (hasRun(answer)) {
        client.setQueryData(keys.run(answer.run.id), answer.run)
        showRun(answer.run.id)
      }
      act.done?.(answer)
    },
    onSettled: (_answer, _error, act) => {
      for (const queryKey of act.touches ?? []) void client.invalidateQueries({ queryKey })
    },
  })
}
