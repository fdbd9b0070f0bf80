import { useQuery } from '@tanstack/vue-query'
import { computed, reactive, ref, type Ref } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { propose } from '@/app/acting/useAct'
import { panelKeys } from '@/app/panel/keys'
import { fatesOf, isWork, type Entry, type Fate } from './entry'
import { importAct, type Job } from './importAct'
import { readEgg } from './readEgg'

/** Files of one go. */
export const FILES_MAX = 60
/** Files that are read at the same time. */
const READERS = 4
const PER_PAGE = 200

/** Every template of a category: a file is compared with all of them by its name. */
async function altsOf(ctrlId: string, signal: AbortSignal): Promise<Schemas['Alt'][]> {
  const all: Schemas['Alt'][] = []
  for (let after: string | undefined; ; ) {
    const { items, next } = await page<Schemas['Alt']>(api.GET('/api/v1/alts', { params: { query: { ctrlId, limit: PER_PAGE, after } }, signal }))
    all.push(...items)
    if (!next) return all
    after = next
  }
}

/** Chosen files on their way to templates of a category. */
export function useImport(ctrl: Ref<string>) {
  const entries = reactive<Entry[]>([])
  const files = new Map<number, File>()
  const cut = ref(false)
  let last = 0
  let reading = 0

  const query = useQuery({
    queryKey: computed(() => [...panelKeys.altList({ ctrlId: ctrl.value }), 'whole']),
    queryFn: ({ signal }) => altsOf(ctrl.value, signal),
    enabled: computed(() => ctrl.value !== ''),
  })
  const fates = computed(() => fatesOf(entries, query.data.value ?? []))
  const fateOf = (entry: Entry): Fate => fates.value.get(entry.key) ?? { kind: 'reading' }
  const jobs = computed<Job[]>(() =>
    entries.flatMap((entry) => {
      const fate = fateOf(entry)
      return entry.read.kind === 'read' && isWork(fate) ? [{ key: entry.key, file: entry.file, egg: entry.read.egg, alt: fate.kind === 'version' ? fate.alt : null }] : []
    }),
  )
  const isReading = computed(() => entries.some(({ read }) => read.kind === 'reading'))
  const has = (...kinds: Fate['kind'][]): number => entries.filter((entry) => kinds.includes(fateOf(entry).kind)).length
  const sums = computed(() => ({ fresh: has('new'), versions: has('version'), refused: has('refused', 'clash'), nothing: has('same', 'twin') }))

  const waiting: Entry[] = []
  async function work(): Promise<void> {
    reading++
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      const file = files.get(entry.key)
      if (file) entry.read = await readEgg(file)
    }
    reading--
  }
  function check(entry: Entry): void {
    entry.read = { kind: 'reading' }
    waiting.push(entry)
    if (reading < READERS) void work()
  }
  /** Takes files in and checks them, as many as go at once. */
  function add(chosen: Iterable<File>): void {
    cut.value = false
    for (const file of chosen) {
      if (entries.length >= FILES_MAX) {
        cut.value = true
        return
      }
      const key = last++
      files.set(key, file)
      entries.push({ key, file: file.name, bytes: file.size, read: { kind: 'reading' }, taken: true, result: null })
      // The one in the list is the one that is watched.
      check(entries.at(-1)!)
    }
  }
  function remove(key: number): void {
    files.delete(key)
    const at = entries.findIndex((entry) => entry.key === key)
    if (at >= 0) entries.splice(at, 1)
    cut.value = false
  }
  function clear(): void {
    files.clear()
    entries.splice(0)
    cut.value = false
  }
  function review(): void {
    if (jobs.value.length === 0 || isReading.value || !query.isSuccess.value) return
    propose(
      importAct(ctrl.value, jobs.value, (key, result) => {
        const entry = entries.find((one) => one.key === key)
        if (entry) entry.result = result
      }),
    )
  }
  return { entries, query, fateOf, jobs, sums, isReading, cut, add, check, remove, clear, review }
}
