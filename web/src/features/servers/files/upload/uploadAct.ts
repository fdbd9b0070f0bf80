import type { Plan } from '@/api/client'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/uploads'
import { joined, makeFolderFor } from '../change/orders'
import { join } from '../paths'
import { foldersOf, type Gathered } from './gather'
import type { Uploads } from './useUploads'
import { planUpload } from './wire'

/** Files whose own plans are asked for; the others are like them. */
const PLANNED = 8

/** Uploads what was gathered into a folder: what would be written is said first, the queue does it then. */
export function uploadAct(server: string, folder: string, { files }: Gathered, overwrite: boolean, uploads: Pick<Uploads, 'add'>): Act {
  const all = files.map(({ path, file }) => ({ path: join(folder, path), file }))
  const folders = foldersOf(files.map(({ path }) => path)).map((path) => join(folder, path))
  const size = (some: typeof all): number => some.reduce((sum, { file }) => sum + file.size, 0)
  return {
    title: text.act(all.length, size(all)),
    plan: async () => {
      const plans: Plan[] = await Promise.all([
        ...folders.slice(0, PLANNED).map((path) => makeFolderFor(server, path).plan()),
        ...all.slice(0, PLANNED).map(({ path, file }) => planUpload(server, { path, bytes: file.size, overwrite })),
      ])
      const rest = all.slice(PLANNED)
      const plan = joined(plans)
      return rest.length ? { ...plan, steps: [...plan.steps, text.rest(rest.length, size(rest))] } : plan
    },
    perform: async () => {
      uploads.add(all, overwrite, new Set(files.filter(({ path }) => path.includes('/')).map(({ path }) => join(folder, path.slice(0, path.lastIndexOf('/'))))))
      return {}
    },
  }
}
