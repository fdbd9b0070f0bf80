/** Where a webhook is called, seen from here. */
export const addressOf = (path: string): string => new URL(path, location.origin).href
