/** One address or range a line, or apart by commas; `wrong` is the first that is neither. The control plane has the last word. */
export function readAddresses(typed: string): { addresses: string[]; wrong: string | null } {
  const addresses = [...new Set(typed.split(/[\s,;]+/).filter(Boolean))]
  return { addresses, wrong: addresses.find((one) => !isRange(one)) ?? null }
}

function isRange(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  if (rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return false
  const bits = length === undefined ? 0 : Number(length)
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return bits <= 32 && address.split('.').every((part) => Number(part) <= 255)
  return bits <= 128 && address.includes(':') && /^[\da-f:]+(\d{1,3}(\.\d{1,3}){3})?$/i.test(address) && address.split('::').length <= 2 && !address.includes(':::')
}
