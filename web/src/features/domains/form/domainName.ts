import { text } from '@/locales/en/traffic/domains'

const MAX_CHARS = 253
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A domain in the one form it is kept in, or why it is none: the rules of the API's `DomainName`. */
export function domainName(typed: string): { name: string } | { refused: string } {
  const { refused } = text
  const trimmed = typed.trim()
  if (!/^[\x00-\x7f]*$/.test(trimmed)) return { refused: refused.notAscii }
  const name = trimmed.replace(/\.$/, '').toLowerCase()
  if (!name) return { refused: refused.empty }
  if (name.length > MAX_CHARS) return { refused: refused.length }
  if (name.startsWith('*.')) return { refused: refused.wildcard }
  const labels = name.split('.')
  if (!labels.every((label) => LABEL.test(label))) return { refused: refused.label }
  if (labels.length < 2) return { refused: refused.onePart }
  if (/^\d+$/.test(labels.at(-1)!)) return { refused: refused.address }
  return { name }
}

const SEGMENT = /^[A-Za-z0-9\-._~]+$/
const MAX_PATH_CHARS = 200

/** Whether a text is a path that can lead elsewhere: the rules of the API's `UrlPath`. */
export function isUrlPath(path: string): boolean {
  if (!path.startsWith('/') || path.length > MAX_PATH_CHARS || path === '/.well-known' || path.startsWith('/.well-known/')) return false
  return path.slice(1).split('/').every((segment) => segment !== '.' && segment !== '..' && SEGMENT.test(segment))
}
