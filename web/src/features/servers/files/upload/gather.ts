import { nameProblem } from '../paths'
import { ITEMS_MAX } from './queue'

/** Files with their places below the folder they are dropped on. */
export interface Gathered {
  files: { path: string; file: File }[]
  /** Paths whose names nothing new can have. */
  refused: string[]
  /** There were more than are taken at once. */
  cut: boolean
}
export const emptyHanded = (): Gathered => ({ files: [], refused: [], cut: false })

/** Takes one in, or says why not; answers whether there is room for another. */
export function take(into: Gathered, path: string, file: File): boolean {
  if (into.files.length >= ITEMS_MAX) {
    into.cut = true
    return false
  }
  if (path.split('/').some((name) => nameProblem(name) !== null)) into.refused.push(path)
  else into.files.push({ path, file })
  return true
}

/** From a file picker; one of folders says where in them each file lies. */
export function fromPicker(list: FileList): Gathered {
  const into = emptyHanded()
  for (const file of list) if (!take(into, file.webkitRelativePath || file.name, file)) break
  return into
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject))
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader()
  const all: FileSystemEntry[] = []
  // A browser gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (!some.length || all.length > ITEMS_MAX) return all
    all.push(...some)
  }
}

/** From what was dropped: folders are walked through. The entries are taken before the first wait, as the browser wants it. */
export async function fromDrop(items: DataTransferItemList): Promise<Gathered> {
  const into = emptyHanded()
  const open: { entry: FileSystemEntry; path: string }[] = [...items].flatMap((item) => {
    const entry = item.webkitGetAsEntry()
    return entry ? [{ entry, path: entry.name }] : []
  })
  for (let next = open.shift(); next; next = open.shift()) {
    const { entry, path } = next
    if (entry.isFile) {
      if (!take(into, path, await fileOf(entry as FileSystemFileEntry))) break
    } else open.push(...(await childrenOf(entry as FileSystemDirectoryEntry)).map((child) => ({ entry: child, path: `${path}/${child.name}` })))
  }
  return into
}

/** The folders that have to be there, the innermost alone: those above them are made with them. */
export function foldersOf(paths: readonly string[]): string[] {
  const all = new Set(paths.map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))).filter(Boolean))
  return [...all].filter((folder) => ![...all].some((other) => other.startsWith(`${folder}/`))).sort()
}
