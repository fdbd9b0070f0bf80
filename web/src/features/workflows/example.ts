/** What a new workflow begins with: every part that most of them need, ready to be changed. */
export const TEMPLATE = `workflow: 1
name: my-workflow
description: What it is for.

inputs:
  type: object
  properties:
    app: { type: string, description: Id of the app }
  required: [app]

steps:
  - id: ask
    title: Ask a person
    approval: { message: "Deploy \${{ inputs.app }}?", expires: 1h }
  - id: deploy
    title: Deploy
    if: steps.ask.output.decision == 'approved'
    action: app.deploy
    with: { app: "\${{ inputs.app }}" }
    retry: { attempts: 3, delay: 10s }
`

/** Small enough to be read at a glance. */
export const EXAMPLE = `workflow: 1
name: nightly-health
triggers:
  - id: night
    cron: { at: "0 3 * * *", timezone: UTC }
steps:
  - id: look
    query: /health
`

export const CLI_LINE = 'serverflow workflow apply FILE'
