import { encode } from 'uqr'
import { expect, it } from 'vitest'
import { qrPath } from './qr'

const URI = 'otpauth://totp/ServerFlow:ada@example.org?secret=JBSWY3DPEHPK3PXP&issuer=ServerFlow'

/** The modules that a path paints. */
function painted(path: string): Set<string> {
  const found = new Set<string>()
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = 0; at < Number(width); at++) found.add(`${Number(x) + at},${y}`)
  }
  return found
}

it('paints every dark module and no other, with a quiet border', () => {
  const { size, path } = qrPath(URI)
  const { data } = encode(URI, { ecc: 'M', border: 4 })
  const dark = new Set(data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x},${y}`] : []))))
  expect(size).toBe(data.length)
  expect(painted(path)).toEqual(dark)
  expect(dark.size).toBeGreaterThan(300)
  for (let at = 0; at < size; at++) for (const edge of [0, 3, size - 4, size - 1]) expect(dark.has(`${at},${edge}`) || dark.has(`${edge},${at}`)).toBe(false)
})
