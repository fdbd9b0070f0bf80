import { ref } from 'vue'

/** Whether the command palette is open, and the table of shortcuts. */
export const paletteOpen = ref(false)
export const shortcutsOpen = ref(false)

export const openPalette = (): void => {
  paletteOpen.value = true
}
export const openShortcuts = (): void => {
  shortcutsOpen.value = true
}
