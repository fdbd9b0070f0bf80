// Puts a brotli copy beside every text asset of the build, so that the server compresses nothing at run time.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
// Which chunk imports which is for the budgets, not for visitors.
const notes = new URL('../.build/', import.meta.url).pathname
mkdirSync(notes, { recursive: true })
renameSync(join(dist, 'manifest.json'), join(notes, 'manifest.json'))

const worth = /\.(js|css|html|svg|json)$/
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (!entry.isFile() || !worth.test(entry.name)) continue
  const plain = readFileSync(path)
  const small = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  })
  if (small.length < plain.length) writeFileSync(`${path}.br`, small)
}
