/** What a page of another site cannot read: sent back where the cookie alone says who is asking. */
export function csrf(): string {
  return /(?:^|; )sf_csrf=([^;]*)/.exec(globalThis.document?.cookie ?? '')?.[1] ?? ''
}
