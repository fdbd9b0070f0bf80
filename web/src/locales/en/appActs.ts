export const text = {
  deploy: (name: string) => `Deploy ${name}`,
  aboutDeploy: 'Deploy builds a fresh release from git with the settings as they are saved now. Restart keeps the release; roll back builds nothing.',
  restart: (name: string) => `Restart ${name}`,
  aboutRestart: 'Restart gives the live release a fresh process. The code and the settings stay those of that release; to put changed settings into effect, deploy.',
  stop: (name: string) => `Stop ${name}`,
  aboutStop: 'It stays stopped, also after the machine restarts, until you start it. Releases and logs stay.',
  start: (name: string) => `Start ${name}`,
  rollBack: (name: string, number?: number) => (number ? `Roll ${name} back to #${number}` : `Roll ${name} back`),
  aboutRollBack: 'Roll back switches to a release that is still on the machine, with the code and settings it had. Nothing is fetched or built.',
  remove: (name: string) => `Delete ${name}`,
  aboutRemove: 'The git repository stays untouched. Everything of this app on its machine goes.',
}
