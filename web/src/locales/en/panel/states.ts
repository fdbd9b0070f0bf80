/** What servers are, wherever they are told: small, since every page may bring it. */
export const text = {
  any: 'Any state',
  unknown: 'Unknown',
  stopped: 'Stopped',
  starting: 'Starting',
  running: 'Running',
  stopping: 'Stopping',
  error: 'Error',
  suspended: 'Suspended',
  missing: 'Not installed',
  installing: 'Installing',
  failed: 'Install failed',
}
