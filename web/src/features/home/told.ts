import { Lock, OctagonX, Unplug } from '@lucide/vue'
import type { Component } from 'vue'
import type { RouteLocationRaw } from 'vue-router'
import { deployApp, restartApp } from '@/app/acting/appActs'
import { propose } from '@/app/acting/useAct'
import { runPath, runTitle } from '@/app/runTitle'
import { runState } from '@/app/states/run'
import { text } from '@/locales/en/home'
import type { Tone } from '@/ui/tones'
import type { Need } from './needs'

/** What a deploy was asked to deploy. */
function asked(run: { args: unknown }): { reference?: string; commit?: string } {
  const { reference, commit } = (run.args ?? {}) as { reference?: string | null; commit?: string | null }
  return { ...(reference ? { reference } : {}), ...(commit ? { commit } : {}) }
}

/** A need in words, with its next steps; the first one is the way on. */
export interface ToldNeed {
  title: string
  why: string
  fix?: string
  tone: Tone
  icon: Component
  to: RouteLocationRaw
  steps: { label: string; to?: RouteLocationRaw; run?: () => void }[]
}

const words = text.need
const ENDS: Record<string, (what: string) => string> = {
  failed: words.failed, rolledBack: words.rolledBack, expired: words.expired, denied: words.denied,
}

export function told(need: Need): ToldNeed {
  switch (need.kind) {
    case 'locked': {
      const to = { name: 'node', params: { id: need.node.id, tab: 'security' } }
      return { title: words.locked(need.node.name), why: need.node.lockedReason ?? words.lockedWhy, tone: 'bad', icon: Lock, to, steps: [{ label: words.security, to }] }
    }
    case 'silent': {
      const to = { name: 'node', params: { id: need.node.id } }
      return { title: words.silent(need.node.name), why: words.silentWhy(need.apps), tone: 'warn', icon: Unplug, to, steps: [{ label: words.look, to }] }
    }
    case 'crashed': {
      const { app } = need
      const params = { id: app.id }
      return {
        title: app.state === 'failed' ? words.appFailed(app.name) : words.crashed(app.name),
        why: app.stateReason ?? words.appWhy,
        tone: 'bad',
        icon: OctagonX,
        to: { name: 'app', params },
        steps: [
          { label: words.log, to: { name: 'app', params: { ...params, tab: 'logs' } } },
          { label: words.restart, run: () => propose(restartApp(app)) },
        ],
      }
    }
    case 'failed': {
      const { run, app } = need
      const to = runPath(run)
      const shown = runState(run)
      const why = run.fault?.message ?? words.runFix
      return {
        title: (ENDS[run.done ?? ''] ?? words.failed)(runTitle(run, app?.name)),
        why: need.earlier ? `${why} (${words.earlier(need.earlier)})` : why,
        fix: run.fault?.fix || undefined,
        tone: shown.tone === 'neutral' ? 'warn' : shown.tone,
        icon: shown.icon,
        to,
        steps: [
          { label: words.open, to },
          ...(app && run.action === 'app.deploy' ? [{ label: words.again, run: () => propose(deployApp(app, asked(run))) }] : []),
        ],
      }
    }
  }
}
