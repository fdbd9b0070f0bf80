import { count } from '@/ui/write/amount'

const LEVELS: Record<string, string> = {
  own: 'runs of this action by this AI agent with this tool',
  pair: 'runs of this action by this AI agent',
  action: 'runs of this action by any AI agent',
  agent: 'runs by this AI agent, of whatever action',
  all: 'runs by AI agents in this team',
}

export const text = {
  title: 'How sure it is',
  ofHundred: 'of 100',
  said: (score: number) => `The AI agent itself said ${score}.`,
  saidNothing: 'The AI agent did not say how sure it is.',
  saidNonsense: 'What the AI agent said about how sure it is was no score, so it asks.',
  person: 'A person proposed it: a person with the right needs no score.',
  system: 'ServerFlow itself proposed it.',
  rests: (good: number, of: number, level: string) => `Of ${count(of)} ${LEVELS[level] ?? 'runs like it'} that are known, ${count(good)} went well.`,
  nothing: 'Nothing is known of runs like it, so it counts by the risk of the action alone.',
  method: { prior: 'It rests on the action’s risk and on what others did.', beta: 'Its record and the action’s risk were weighed together.', isotonic: 'Its record is long enough to be read by itself.' } as Record<string, string>,
  between: (low: number, high: number) => `The true share is between ${low} and ${high} of 100, eight times in ten. The careful end counts.`,
  held: { lastRuns: 'Its last runs of this went worse than the long record, so they count.', agentsLastRuns: 'The last runs of this AI agent went worse than before, so they count.' } as Record<string, string>,
  gates: (notify: number, auto: number) => `From ${notify} it runs and people are told; from ${auto} it runs silently.`,
  meter: (score: number, notify: number, auto: number) => `${score} of 100; told from ${notify}, silent from ${auto}`,
  rules: {
    neverAuto: 'This action is on the list of those that never run by themselves.',
    opensGates: 'It changes who may do what, or what runs by itself: that always asks.',
    destroys: 'Something is lost by it, and that was not waived here.',
    frozen: (name: string) => `Changes are frozen: ${name}.`,
    overBudget: (what: string) => `Its budget is used up: ${what}.`,
  },
}
