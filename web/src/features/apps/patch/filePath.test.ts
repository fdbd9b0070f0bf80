import { expect, it } from 'vitest'
import { isFilePath } from './filePath'

it('refuses what leads out of the release', () => {
  for (const good of ['a', 'src/app.js', '.env', '..a/b']) expect(isFilePath(good)).toBe(true)
  for (const bad of ['', '/a', 'a/', 'a//b', '..', '../a', 'a/./b', 'a\\b', 'a\nb']) expect(isFilePath(bad)).toBe(false)
})
