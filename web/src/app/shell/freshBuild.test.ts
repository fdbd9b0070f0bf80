import { expect, it } from 'vitest'
import { entryOf, isMissingPart } from './freshBuild'

it('finds the module a page begins with', () => {
  expect(entryOf('<script src="/look.js"></script><script type="module" crossorigin src="/assets/index-B1x.js"></script>')).toBe('/assets/index-B1x.js')
  expect(entryOf('<h1>ServerFlow is running, without its dashboard</h1>')).toBeNull()
})

it('knows a part that could not be fetched from a defect', () => {
  expect(isMissingPart(new TypeError('Failed to fetch dynamically imported module: http://x/assets/a.js'))).toBe(true)
  expect(isMissingPart(new TypeError('error loading dynamically imported module'))).toBe(true)
  expect(isMissingPart(new TypeError('Importing a module script failed.'))).toBe(true)
  expect(isMissingPart(new TypeError('x is not a function'))).toBe(false)
})
