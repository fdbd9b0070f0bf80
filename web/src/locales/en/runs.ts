import type { Broken } from '@/api/proof/signed'
import type { Check } from '@/api/proof/prove'
import { wall } from '@/ui/moment'

const LINKS: Record<Check['link'], { title: string; holds: string }> = {
  root: { title: 'Root key', holds: 'Its fingerprint is the one agents pin when they join.' },
  delegation: { title: 'Root certifies the control plane’s key', holds: 'The root signed that this key may give orders of this class, at the time it did.' },
  command: { title: 'Control plane signs the order', holds: 'Exactly these bytes, for exactly this node, for this run.' },
  accepted: { title: 'Node takes the order', holds: 'The node signed that it wrote this order into its journal, before it did anything.' },
  outcome: { title: 'Node signs the outcome', holds: 'The node signed how it ended and what is true now; this page shows the same.' },
}

const FIELDS: Record<string, string> = {
  'authz.run': 'the run it belongs to',
  'order.kind': 'the kind of order inside',
  node: 'the node it is for',
  nodeKey: 'the key of the node it is for',
  id: 'its id',
  command: 'the order it speaks of',
  sequence: 'its number',
  verdict: 'how it ended',
  facts: 'what it says is true now',
  fault: 'why it failed',
  key: 'the certified key',
  epoch: 'the epoch',
  classes: 'the class it may sign',
  label: 'what it claims to be',
  fingerprint: 'the fingerprint',
}

export const text = {
  title: 'Runs',
  search: 'Action or app',
  states: [
    { value: '', label: 'All states' },
    { value: 'open', label: 'Open' },
    { value: 'waiting', label: 'Waiting for a person' },
    { value: 'failed', label: 'Failed' },
    { value: 'rolledBack', label: 'Rolled back' },
    { value: 'succeeded', label: 'Succeeded' },
    { value: 'cancelled', label: 'Cancelled' },
    { value: 'denied', label: 'Denied by policy' },
    { value: 'rejected', label: 'Rejected by a person' },
    { value: 'expired', label: 'Expired' },
  ],
  anyAction: 'All actions',
  anyApp: 'All apps',
  anyNode: 'All nodes',
  filter: { state: 'State', action: 'Action', app: 'App', node: 'Node' },
  columns: { title: 'Run', state: 'State', place: 'Where', actor: 'Asked by', took: 'Took', opened: 'When' },
  list: 'Runs, newest first',
  noneTitle: 'Nothing was done yet',
  none: 'Every change is a run: who asked, what policy answered, the signed order, what the node did. Deploy an app and its run appears here.',
  newApp: 'New app',
  noMatchTitle: 'No run matches',
  noMatch: 'Take a filter away, or look further back.',
  clear: 'Clear the filters',
  run: 'Run',
  by: 'by',
  on: 'on',
  copyId: 'Copy the id of this run',
  timeline: 'Timeline',
  openApp: 'Open the app',
  outcome: 'Outcome',
  outcomeHint: 'In the node’s own words, signed by it.',
  noOutcome: 'The node has not said yet how it ended.',
  ownOutcome: 'Carried out by the control plane itself; no node was involved.',
  policy: 'Policy',
  policyHint: 'Everything it looked at, as it was then.',
  args: 'What was asked for',
  noArgs: 'Nothing beyond the action itself.',
  facts: { commit: 'Commit', subject: 'Subject', builder: 'Builder', port: 'Port', state: 'State of the app', release: 'Release made', liveRelease: 'Release that serves', generation: 'Generation', kept: 'Releases kept', verdict: 'Verdict', started: 'Began', finished: 'Ended' } as Record<string, string>,
  verdicts: { succeeded: 'Succeeded', failed: 'Failed, nothing changed', rolledBack: 'Broke; the previous release is live again', refused: 'The node refused it', guardMoved: 'Other facts were found than were agreed to', cancelled: 'Stopped on request', voided: 'Expired before the node had it' } as Record<string, string>,
}

export const proof = {
  title: 'Proof',
  hint: 'Verified in this browser, not on the server.',
  verifying: 'Verifying…',
  allHold: 'Every signature holds',
  open: 'What is signed so far holds',
  broken: 'This proof is broken',
  brokenHint: 'What this page says about the run is not what was signed. Compare with `serverflow runs show` on another machine, and do not act on it.',
  unknown: 'Checked but for the root',
  none: 'No order was signed for this run',
  noneHint: 'It was carried out by the control plane itself, or never reached a signature.',
  insecure: 'This browser verifies only on https or localhost pages',
  insecureHint: 'Open the dashboard by https, or verify with the command line: serverflow runs show',
  old: 'This browser does not know Ed25519',
  oldHint: 'Current versions of Chrome, Firefox and Safari do. Or verify with the command line: serverflow runs show',
  link: (link: Check['link']) => LINKS[link].title,
  said: (link: Check['link']) => LINKS[link].holds,
  absent: 'Not said yet.',
  unknownRoot: 'The root key is kept offline and is not sent along, so its signature cannot be checked here. This is the fingerprint agents pin; the command line can check it with the key at hand.',
  unknownDelegation: 'Needs the root key, which is kept offline.',
  state: { holds: 'holds', broken: 'does not hold', unknown: 'not checked', absent: 'not there' } as Record<string, string>,
  pinFirst: 'First time this browser sees this root; it is remembered from now on. Compare the six words once with what `serverflow runs show` prints on the server.',
  pinSame: (at: number) => `The same root this browser first saw on ${wall(at)}.`,
  pinOther: (at: number) => `Not the root this browser first saw on ${wall(at)}. Either the control plane was set up anew, or somebody stands between.`,
  pinUnkept: 'This browser keeps nothing, so it cannot compare with an earlier visit.',
  apiSays: 'That it is the right root is the control plane’s word; agents pinned theirs when they joined.',
  was: 'Seen first',
  accept: 'It was set up anew; remember this root',
  key: 'Key',
  label: 'Label',
  details: 'Show what was signed',
  envHidden: 'Values of the environment are hidden here; they are part of what was verified.',
  tamper: 'Change one byte',
  tamperHint: 'Changes one byte in the memory of this page and verifies again, to show that the check is real.',
  tampered: (link: Check['link']) => `One byte of “${LINKS[link].title}” was changed here, in this page. It shows.`,
  restore: 'Put it back',
  why(broken: Broken): string {
    switch (broken.code) {
      case 'signature':
        return 'The signature does not fit these bytes: something was changed after it was signed.'
      case 'otherKey':
        return `It is signed by ${broken.found}, not by ${broken.expected}.`
      case 'field':
        return `It was signed for something else: ${FIELDS[broken.name] ?? broken.name} is ${broken.found}, not ${broken.expected}.`
      case 'time':
        return `It was not valid when it was used: from ${wall(broken.from)} to ${wall(broken.until)}.`
      case 'tooLong':
        return 'The root may certify a key for 30 days at the most; this is longer.'
      case 'noKey':
        return 'The key is missing or no usable Ed25519 key.'
      case 'base64':
        return 'What was sent is not written as the protocol writes it.'
      case 'tooLarge':
        return 'It is larger than the protocol allows.'
      case 'noJson':
        return 'It is signed, but cannot be read.'
    }
  },
}
