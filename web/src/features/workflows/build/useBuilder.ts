import { refDebounced } from '@vueuse/core'
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { text as locale } from '@/locales/en/workflow/canvas'
import { drawing, type Link } from '../canvas/layout'
import { addStep, connect, disconnect, mayNeed, removeStep, renameStep, setField, setNeeds, type Spot } from '../document/edits'
import { allBlocks, allItems, outline, type Item } from '../document/outline'
import { isRead, read, type Fields, type Path, type Source, type Unread } from '../document/source'
import { change, changeAll } from '../document/splice'
import { NO_HISTORY, redo, remember, undo } from './history'

/** Typing is gathered before it is drawn. */
const GATHER_MS = 200

/** A document while it is built: its text and its drawing are two looks at one thing. */
export function useBuilder(text: Ref<string>) {
  const source = shallowRef<Source | null>(null)
  const unread = shallowRef<Unread | null>(null)
  const history = shallowRef(NO_HISTORY)
  /** Why the last change was not made; empty where it was. */
  const refused = ref('')
  const selected = ref<string | null>(null)
  const selectedLink = ref<string | null>(null)
  // A change made by hand is drawn at once; its text is not read twice.
  let known = ''

  function look(now: string): void {
    if (now === known && source.value) return
    known = now
    const found = read(now)
    if (isRead(found)) source.value = found
    unread.value = isRead(found) ? null : found
  }
  look(text.value)
  const gathered = refDebounced(text, GATHER_MS)
  watch(gathered, look)

  const blocks = computed(() => (source.value ? outline(source.value.value) : []))
  const items = computed(() => allItems(blocks.value))
  const byKey = computed(() => new Map(items.value.map((item) => [item.key, item])))
  const drawn = computed(() => drawing(blocks.value))
  const item = computed(() => byKey.value.get(selected.value ?? '') ?? null)
  /** The drawing is of an earlier text: nothing can be changed in it before the text is mended. */
  const isStale = computed(() => unread.value !== null)
  watch(items, () => {
    if (selected.value && !byKey.value.has(selected.value)) selected.value = null
    if (!drawn.value.links.some(({ key }) => key === selectedLink.value)) selectedLink.value = null
  })

  function put(found: Source | null): boolean {
    refused.value = found ? '' : isStale.value ? locale.stale : locale.byHand
    if (!found || found.text === text.value) return !!found
    history.value = remember(history.value, text.value, Date.now(), false)
    known = found.text
    source.value = found
    unread.value = null
    text.value = found.text
    return true
  }
  /** A change of the document as it is now, or nothing while it cannot be read. */
  function edit(make: (from: Source) => Source | null): boolean {
    look(text.value)
    return put(unread.value || !source.value ? null : make(source.value))
  }
  function go(to: { history: typeof NO_HISTORY; text: string } | null): void {
    if (!to) return
    history.value = to.history
    text.value = to.text
    refused.value = ''
    look(to.text)
  }
  /** A step or a link is chosen, never both. */
  const select = (key: string | null): void => {
    selected.value = key
    selectedLink.value = null
  }
  const selectLink = (key: string | null): void => {
    selected.value = null
    selectedLink.value = key
  }
  const siblings = (of: Item): Item[] => allBlocks(blocks.value).find(({ path }) => JSON.stringify(path) === JSON.stringify(of.block))?.items ?? []
  const may = (one: Item | undefined, to: Item | undefined): boolean => !!one && !!to && mayNeed(siblings(one), one, to)

  return {
    source, unread, isStale, edit, blocks, items, byKey, drawn, item, selected, selectedLink, refused, select, selectLink, siblings, may,
    canUndo: computed(() => history.value.past.length > 0),
    canRedo: computed(() => history.value.future.length > 0),
    undo: () => go(undo(history.value, text.value)),
    redo: () => go(redo(history.value, text.value)),
    /** What is typed into the text itself. */
    type(now: string): void {
      history.value = remember(history.value, text.value, Date.now(), true)
      refused.value = ''
      text.value = now
    },
    add(spot: Spot, step: Fields): string | null {
      let id: string | null = null
      edit((from) => {
        const made = addStep(from, spot, step)
        id = made?.id ?? null
        return made?.source ?? null
      })
      if (id) select(id)
      return id
    },
    remove(one: Item): void {
      const beside = siblings(one)
      const next = beside[one.at + 1] ?? beside[one.at - 1] ?? null
      if (edit((from) => removeStep(from, one)) && selected.value === one.key) select(next?.key ?? null)
    },
    connect: (one: Item, to: Item) => edit((from) => connect(from, one, to)),
    disconnect: ({ to, fromId }: Link) => {
      const one = byKey.value.get(to)
      return !!one && edit((from) => disconnect(from, one, fromId))
    },
    rename(one: Item, id: string): boolean {
      const isDone = edit((from) => renameStep(from, one, id))
      if (isDone) select(items.value.find(({ path }) => JSON.stringify(path) === JSON.stringify(one.path))?.key ?? null)
      return isDone
    },
    needs: (one: Item, needs: readonly string[] | null) => edit((from) => setNeeds(from, one, needs)),
    set: (path: Path, value: unknown) => edit((from) => setField(from, path, value)),
    /** A new case of a branch, never taken until somebody says when. */
    addCase: (one: Item, at: number) => edit((from) => change(from, { insert: [...one.path, 'branch'], at, value: { if: 'false', steps: [] } })),
    /** Another kind of thing to do: the fields of the old one go. */
    swap: (one: Item, fields: Fields, gone: readonly string[]) =>
      edit((from) =>
        changeAll(from, [
          ...Object.entries(fields).map(([key, value]) => ({ set: [...one.path, key], value })),
          ...gone.filter((key) => key in one.step && !(key in fields)).map((key) => ({ drop: [...one.path, key] })),
        ]),
      ),
  }
}
export type Builder = ReturnType<typeof useBuilder>
