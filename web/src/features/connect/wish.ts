import type { Schemas } from '@/api/client'

/** What a program asks for, in the names of our API. */
export type Wish = { [name in keyof Schemas['WishQuery']]?: string }

const NAMES = {
  response_type: 'responseType',
  client_id: 'clientId',
  redirect_uri: 'redirectUri',
  code_challenge: 'codeChallenge',
  code_challenge_method: 'codeChallengeMethod',
  scope: 'scope',
  state: 'state',
  resource: 'resource',
} as const satisfies Record<string, keyof Wish>

/**
 * Reads the address that a program sent its person to. What is there twice is taken for none: two readers that do not agree which of
 * them counts are a way around one of them. What OAuth does not name is left out.
 */
export function wishOf(search: string): Wish {
  const asked = new URLSearchParams(search)
  const wish = Object.entries(NAMES).map(([name, ours]) => [ours, asked.getAll(name)] as const)
  return Object.fromEntries(wish.filter(([, values]) => values.length === 1).map(([name, values]) => [name, values[0]])) as Wish
}

/** Schemes that a browser runs or reads itself: never gone to, whatever was answered. */
const NEVER = /^(javascript|data|vbscript|file|blob|about):/i

/** Whether one may go there from our page. */
export const mayGo = (uri: string): boolean => URL.canParse(uri) && !NEVER.test(uri.trim())
