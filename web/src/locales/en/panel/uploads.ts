import { bytes, count } from '@/ui/write/amount'

const s = (many: number, one: string, several = `${one}s`): string => `${count(many)} ${many === 1 ? one : several}`

export const text = {
  upload: 'Upload',
  files: 'Files',
  folder: 'A folder',
  download: 'Download',
  downloadFolder: 'Download as .tar.gz',
  downloadHere: 'Download this folder',
  drop: 'Drop files and folders here',
  dropInto: (folder: string) => `They go into ${folder ? `“${folder}”` : 'the server’s folder'}, after a plan.`,
  reading: 'Reading what was dropped…',

  ask: {
    title: (files: number) => `Upload ${s(files, 'file')}`,
    into: (folder: string) => `Into ${folder ? `“${folder}”` : 'the server’s folder'}`,
    sum: (files: number, size: number, folders: number) => `${s(files, 'file')}, ${bytes(size)}${folders ? `, ${s(folders, 'folder')} to be made` : ''}.`,
    there: (names: readonly string[]) => (names.length === 1 ? `“${names[0]}” is there already.` : `${count(names.length)} of them are there already: ${names.slice(0, 3).join(', ')}${names.length > 3 ? '…' : ''}`),
    replace: 'Replace files of the same name',
    replaceHint: 'Otherwise those that are there already stay, and their upload is refused.',
    refused: (paths: readonly string[]) => `${s(paths.length, 'name')} cannot be used on the machine and ${paths.length === 1 ? 'is' : 'are'} left out:`,
    cut: (most: number) => `There is more: ${count(most)} files go at once. Upload the rest afterwards, or pack them into an archive and unpack it here.`,
    nothing: 'Nothing in it can be uploaded.',
    review: 'Review',
    cancel: 'Cancel',
    resumable: 'A lost connection costs nothing: it goes on where it was, also after this page was closed.',
  },
  act: (files: number, size: number) => `Upload ${s(files, 'file')} (${bytes(size)})`,
  rest: (files: number, size: number) => `Write ${s(files, 'further file')} (${bytes(size)}) in the same way`,

  list: {
    title: 'Uploads',
    label: 'Uploads to this server',
    sum: (done: number, of: number, have: number, all: number) => `${count(done)} of ${count(of)} files, ${bytes(have)} of ${bytes(all)}`,
    of: (path: string) => `Upload of ${path}`,
    clear: 'Put away what is done',
    phases: { waiting: 'waits for its turn', opening: 'begins', held: 'waits: somebody has to agree, or its machine is away', sending: 'under way', paused: 'paused', lost: 'no connection; it goes on by itself', finishing: 'being put in its place', done: 'done', failed: 'failed', fileless: 'begun before, or from another browser' },
    pause: (path: string) => `Pause ${path}`,
    resume: (path: string) => `Go on with ${path}`,
    drop: (path: string) => `Give up ${path}`,
    dismiss: (path: string) => `Put away ${path}`,
    attach: 'Choose the file again',
    attachOf: (path: string) => `Choose the file again: ${path}`,
    attachHint: (have: number) => `${bytes(have)} are there; it goes on from them.`,
    size: 'That file has another size, so it is another one. Choose the same file, or give this up and begin anew.',
    progress: (have: number, of: number) => `${bytes(have)} of ${bytes(of)}`,
    open: 'Uploads go on while you look at other pages here. Close this one and they wait for a day.',
  },
}
