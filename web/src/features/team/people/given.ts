import type { Schemas } from '@/api/client'
import { objectName } from '@/app/rights/objects'
import { text } from '@/locales/en/people/team'

type Grant = Schemas['Grant']

/** What a grant gives, without where. */
export const whatOf = ({ role, roleTitle, permissions }: Pick<Grant, 'role' | 'roleTitle' | 'permissions'>): string =>
  role ? (roleTitle ?? role) : permissions.length === 1 ? permissions[0]! : text.people.some(permissions.length)

/** What somebody was given, in a few words each; what holds for the whole team first, and without saying so. */
export function givenWords(grants: readonly Grant[]): string[] {
  const isWhole = ({ object }: Grant): boolean => object.kind === 'tenant'
  return [...grants.filter(isWhole).map(whatOf), ...grants.filter((grant) => !isWhole(grant)).map((grant) => text.people.at(whatOf(grant), objectName(grant.object)))]
}
