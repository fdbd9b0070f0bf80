import { inject, provide, type InjectionKey } from 'vue'
import { propose, type Act } from '@/app/acting/useAct'
import type { Schemas } from '@/api/client'
import { openedBy } from '../serverActs'

/** What the parts of a server's page share. */
export interface ServerPageContext {
  /** Shows an act's plan; the run it opens is told on the page. */
  ask: (act: Act) => void
  /** The template's version that this server follows, as far as one may see it. */
  alt: () => Schemas['AltWithDocument'] | undefined
  node: () => Schemas['Node'] | undefined
}
const KEY: InjectionKey<ServerPageContext> = Symbol('server page')

export function provideServerPage(context: Omit<ServerPageContext, 'ask'>, opened: (run: Schemas['Run']) => void): ServerPageContext {
  const ask = (act: Act): void =>
    propose({
      ...act,
      done: (answer) => {
        const run = openedBy(answer)
        if (run) opened(run)
        act.done?.(answer)
      },
    })
  const whole = { ...context, ask }
  provide(KEY, whole)
  return whole
}

export function useServerPage(): ServerPageContext {
  const found = inject(KEY)
  if (!found) throw new Error('a part of a server stands outside its page')
  return found
}
