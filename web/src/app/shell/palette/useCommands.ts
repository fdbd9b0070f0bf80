import { Contrast, CornerDownRight, Fingerprint, Keyboard, Link, LogOut, Moon, PanelLeft, PackagePlus, Plus, Rows3, Sun } from '@lucide/vue'
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useLook } from '@/app/look'
import { useMe } from '@/app/me'
import { signOut } from '@/app/session/signOut'
import { text as words } from '@/locales/en/palette'
import { text } from '@/locales/en/shell'
import { note } from '@/ui/notice/notices'
import { pageShortcuts } from '../pageShortcuts'
import { openShortcuts } from '../palette'
import { places, rarePlaces, teamsPlace } from '../places'
import { entry, type Entry } from './entry'


async function copy(what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(what)
    note({ tone: 'good', title: words.copied })
  } catch {
    note({ tone: 'bad', title: words.notCopied, fix: what })
  }
}

/** What does not depend on any object: pages, and what the page shown and the dashboard itself can do. */
export function useCommands() {
  const route = useRoute()
  const router = useRouter()
  const { isDark, theme, density, narrow } = useLook()
  const { may, maySomewhere, me } = useMe()

  const go = computed(() => {
    const pages = [...places, ...(me.value?.operator ? [teamsPlace] : []), ...rarePlaces].filter(({ right }) => !right || maySomewhere(right)).map((place) =>
      entry({ id: `go:${place.to}`, group: 'go', label: place.label, icon: place.icon, keys: place.key && `g ${place.key}`, run: () => void router.push(place.to) }),
    )
    const tabs = words.settingsTabs.map(({ tab, label, also }) =>
      entry({ id: `go:/settings/${tab}`, group: 'go', label, also, icon: CornerDownRight, run: () => void router.push(`/settings/${tab}`) }),
    )
    const parts = words.parts.map(({ to, label, also }) => entry({ id: `go:${to}`, group: 'go', label, also, icon: CornerDownRight, run: () => void router.push(to) }))
    return { pages, tabs: [...parts, ...tabs] }
  })

  const here = computed<Entry[]>(() => {
    const own = pageShortcuts.value.map((shortcut) =>
      entry({ id: `here:${shortcut.keys}`, group: 'here', label: shortcut.label, icon: CornerDownRight, keys: shortcut.keys, run: shortcut.run }),
    )
    const id = typeof route.params.id === 'string' ? route.params.id : null
    if (id) own.push(entry({ id: 'here:id', group: 'here', label: words.copyId, icon: Fingerprint, run: () => void copy(id) }))
    return own
  })

  const general = computed<Entry[]>(() => [
    entry({
      id: 'do:app', group: 'do', label: words.newApp, also: words.alsoNewApp, icon: PackagePlus, keys: 'c',
      lacks: may('app:create') ? undefined : 'app:create', run: () => void router.push('/apps/new'),
    }),
    entry({
      id: 'do:node', group: 'do', label: words.addNode, also: words.alsoAddNode, icon: Plus,
      lacks: may('node:create') ? undefined : 'node:create', run: () => void router.push('/nodes/new'),
    }),
    entry({
      id: 'do:workflow', group: 'do', label: words.newWorkflow, also: words.alsoNewWorkflow, icon: Plus,
      lacks: may('workflow:create') ? undefined : 'workflow:create', run: () => void router.push('/workflows/new'),
    }),
    entry({
      id: 'do:theme', group: 'do', label: isDark.value ? words.light : words.dark, also: words.alsoTheme, icon: isDark.value ? Sun : Moon,
      run: () => (theme.value = isDark.value ? 'light' : 'dark'),
    }),
    ...(theme.value === 'system' ? [] : [entry({ id: 'do:system', group: 'do', label: words.system, also: words.alsoTheme, icon: Contrast, run: () => (theme.value = 'system') })]),
    entry({
      id: 'do:density', group: 'do', label: density.value === 'compact' ? words.comfortable : words.compact, also: words.alsoDensity, icon: Rows3,
      run: () => (density.value = density.value === 'compact' ? 'comfortable' : 'compact'),
    }),
    entry({ id: 'do:rail', group: 'do', label: narrow.value ? text.wide : text.narrow, also: words.alsoRail, icon: PanelLeft, run: () => (narrow.value = !narrow.value) }),
    entry({ id: 'do:link', group: 'do', label: words.copyLink, icon: Link, run: () => void copy(location.href) }),
    entry({ id: 'do:keys', group: 'do', label: text.shortcuts, icon: Keyboard, keys: '?', run: openShortcuts }),
    entry({ id: 'do:out', group: 'do', label: text.signOut, also: words.alsoSignOut, icon: LogOut, run: () => void signOut() }),
  ])
  return { go, here, general }
}
