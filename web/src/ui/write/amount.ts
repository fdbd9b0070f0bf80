const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** Bytes in powers of 1,024, as machines are sold: "1.5 GB". */
export function bytes(count: number): string {
  if (!Number.isFinite(count) || count < 0) return '–'
  let at = 0
  while (count >= 1_024 && at < UNITS.length - 1) {
    count /= 1_024
    at++
  }
  return `${count >= 100 || at === 0 ? Math.round(count) : count.toFixed(1)} ${UNITS[at]}`
}

/** Thousandths as per cent: 125 → "12.5 %"; whole above ten. */
export function permille(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const percent = value / 10
  return `${percent >= 10 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`
}

const plain = new Intl.NumberFormat()
export const count = (value: number): string => (Number.isFinite(value) ? plain.format(value) : '–')
