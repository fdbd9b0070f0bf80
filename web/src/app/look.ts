import { useMediaQuery } from '@vueuse/core'
import { computed, watchEffect } from 'vue'
import { asFields, useKept } from '@/ui/write/kept'

export type Theme = 'system' | 'dark' | 'light'
export type Density = 'comfortable' | 'compact'

interface Look {
  theme: 'dark' | 'light' | null
  density: Density
  /** The rail shows icons alone. */
  narrow: boolean
}

// `public/look.js` reads the same key before the first paint.
const look = useKept<Look>('look', { theme: null, density: 'comfortable', narrow: false }, (found) => {
  const { theme, density, narrow } = asFields(found)
  return {
    theme: theme === 'dark' || theme === 'light' ? theme : null,
    density: density === 'compact' ? density : 'comfortable',
    narrow: narrow === true,
  }
})
const prefersLight = useMediaQuery('(prefers-color-scheme: light)')

/** Theme and density as chosen on this browser. */
export function useLook() {
  const isDark = computed(() => (look.value.theme ? look.value.theme === 'dark' : !prefersLight.value))
  const theme = computed<Theme>({
    get: () => look.value.theme ?? 'system',
    set: (value) => (look.value.theme = value === 'system' ? null : value),
  })
  const density = computed<Density>({
    get: () => look.value.density,
    set: (value) => (look.value.density = value),
  })
  const narrow = computed<boolean>({
    get: () => look.value.narrow,
    set: (value) => (look.value.narrow = value),
  })
  return { isDark, theme, density, narrow }
}

/** Writes the look to the document; once, at the start. */
export function applyLook(): void {
  const { isDark, density } = useLook()
  watchEffect(() => {
    document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light'
    document.documentElement.dataset.density = density.value
  })
}
