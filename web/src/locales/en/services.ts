/** Services of a machine. */
export const text = {
  title: 'Services of the machine',
  hint: 'What the machine’s owner lets be steered from here, in policy.toml there. nginx is on the list by itself.',
  verbs: { start: 'Start', reload: 'Reload', restart: 'Restart', stop: 'Stop' },
  states: { running: 'Running', stopped: 'Stopped', unknown: 'Not known' },
  columns: { name: 'Service', state: 'State', by: 'Steered by' },
  actions: 'What can be done',
  steer: (verb: string, service: string, node: string) => `${verb} ${service} on ${node}`,
  steerAbout: 'It is a service of the whole machine: everything there that needs it is touched.',
  none: 'No service is steered from here',
  noneText: 'The machine’s owner decides that. In policy.toml of its agent, danger = true allows it, and lines like these name services:',
  example: 'danger = true\n\n[services.postgres]\nunit = "postgresql.service"',
  silent: 'The node does not answer, so its services are not known now.',
}
