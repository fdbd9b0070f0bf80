/** Texts of the parts that every page is made of. */
export const text = {
  close: 'Close',
  clear: 'Clear',
  dismiss: 'Dismiss',
  notices: 'Notices',
  loading: 'Loading',
  loadingMore: 'Loading more…',
  again: 'Try again',
  optional: 'optional',
  trail: 'Where this is',
  time: 'Time',
}
