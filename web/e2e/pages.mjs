// Every page there is, with what shows that it has arrived. Accessibility and screenshots go through this list, so a new
// page is added here once.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone } from './plane.mjs'

const NODE_TABS = ['overview', 'processes', 'ports', 'metrics', 'security', 'events']
const APP_TABS = ['overview', 'deployments', 'schedules', 'env', 'files', 'domains', 'logs', 'metrics', 'settings']
const SERVER_TABS = ['console', 'monitoring', 'startup', 'network', 'users', 'activity', 'settings']
const WORKFLOW_TABS = ['document', 'triggers']

/** Into the document, as one edits it, with the form of a step. */
async function editStep(page) {
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.locator('[data-ready=true] [data-step-node=restart]').click()
  await page.getByRole('group', { name: 'What is shown' }).getByText('Step', { exact: true }).click()
}
/** Into the document, with the forms of what starts it. */
async function editStarts(page) {
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('group', { name: 'What is shown' }).getByText('Starts', { exact: true }).click()
  await page.getByText(/Next on /).first().waitFor()
}
const SETTINGS_TABS = ['profile', 'security', 'sessions', 'tokens', 'deputies', 'notifications', 'mail', 'appearance', 'about']

/** Through the choice of a version to its plan, with the button under the mouse that takes it. */
async function planMove(page) {
  await page.getByRole('button', { name: 'Change version' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('listitem').first().waitFor()
}

/** Two files, with what can be done with both. */
async function chooseFiles(page) {
  for (const name of ['notes.md', 'config.yml']) await page.getByRole('checkbox', { name: `Choose ${name}` }).click()
  await page.getByRole('group', { name: 'What is chosen' }).waitFor()
}
async function searchFiles(page) {
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  await page.getByLabel('Text in files').fill('needle')
  await page.keyboard.press('Enter')
  await page.getByRole('list', { name: 'What was found' }).waitFor()
}
async function ofFile(page, verb) {
  await page.getByRole('button', { name: 'What can be done with server.properties' }).click()
  await page.getByRole('menuitem', { name: verb }).click()
  await page.getByRole('dialog').waitFor()
}
/** A real egg, one that says something else under the name of a template that is there, and none at all. */
async function chooseEggs(page) {
  const eggs = join(clone, 'crates/template/tests/eggs')
  const chat = JSON.parse(readFileSync(join(eggs, 'ptdl-mumble.json'), 'utf8'))
  const file = (name, text) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
  const files = ['plcn-v3-paper.yaml', 'ptdl-v2-rust.json'].map((name) => file(name, readFileSync(join(eggs, name))))
  await page.locator('[data-egg-picker] input[type=file]').setInputFiles([...files, file('egg-chat.json', JSON.stringify({ ...chat, name: 'Chat' })), file('readme.json', '{"hello": "there"}')])
  await page.locator('[data-fate=refused]').waitFor()
  await page.locator('[data-fate=version]').waitFor()
}
const editorOf = (page) => page.getByRole('textbox', { name: /^Text of / }).waitFor()

/** `content` is what {@link fill} made. `open`: does something on the page that belongs to its look. */
export const pages = ({ node, hello, server, filed, template, workflow, checked, runs, me }) => [
  { name: 'home', path: '/' },
  { name: 'nodes', path: '/nodes' },
  { name: 'node-new', path: '/nodes/new' },
  ...NODE_TABS.map((tab) => ({ name: `node-${tab}`, path: `/nodes/${node.id}${tab === 'overview' ? '' : `/${tab}`}` })),
  { name: 'apps', path: '/apps' },
  { name: 'app-new', path: '/apps/new' },
  { name: 'app-logs-search', path: `/apps/${hello.id}/logs?in=all&q=listens&around=2` },
  ...APP_TABS.map((tab) => ({ name: `app-${tab}`, path: `/apps/${hello.id}${tab === 'overview' ? '' : `/${tab}`}` })),
  { name: 'deployment', path: `/apps/${hello.id}/deployments/1` },
  { name: 'servers', path: '/servers' },
  { name: 'servers-table', path: '/servers', open: (page) => page.getByRole('group', { name: 'Show as' }).getByText('Table', { exact: true }).click() },
  { name: 'server-new', path: `/servers/new?template=${template.id}` },
  ...SERVER_TABS.map((tab) => ({ name: `server-${tab}`, path: `/servers/${server.id}${tab === 'console' ? '' : `/${tab}`}` })),
  { name: 'server-access', path: `/servers/${server.id}/users`, open: (page) => page.getByRole('button', { name: 'Give access' }).click().then(() => page.getByRole('dialog').waitFor()) },
  { name: 'files', path: `/servers/${filed.id}/files` },
  { name: 'files-chosen', path: `/servers/${filed.id}/files`, open: chooseFiles },
  { name: 'files-names', path: `/servers/${filed.id}/files?in=logs` },
  { name: 'files-empty', path: `/servers/${filed.id}/files?in=deep/inner` },
  { name: 'files-search', path: `/servers/${filed.id}/files`, open: searchFiles },
  { name: 'files-mode', path: `/servers/${filed.id}/files`, open: (page) => ofFile(page, 'Set mode') },
  { name: 'file', path: `/servers/${filed.id}/files?file=server.properties`, open: editorOf },
  { name: 'file-long', path: `/servers/${filed.id}/files?file=big.log`, open: editorOf },
  { name: 'file-binary', path: `/servers/${filed.id}/files?file=icon.bin` },
  { name: 'monitoring', path: '/monitoring' },
  { name: 'templates', path: '/templates' },
  { name: 'template-new', path: '/templates/new' },
  { name: 'template-import', path: '/templates/import' },
  { name: 'template-import-checked', path: `/templates/import?category=${template.ctrlId}`, open: chooseEggs },
  { name: 'template-export', path: `/templates/${template.id}`, open: (page) => page.getByRole('button', { name: 'Export', exact: true }).click().then(() => page.getByRole('dialog').waitFor()) },
  { name: 'template', path: `/templates/${template.id}` },
  { name: 'template-versions', path: `/templates/${template.id}/versions`, open: (page) => page.getByRole('button', { name: 'Show version 1' }).click() },
  { name: 'domains', path: '/domains' },
  { name: 'domain-new', path: '/domains/new' },
  { name: 'runs', path: '/runs' },
  { name: 'run', path: `/runs/${runs.second.id}` },
  { name: 'run-failed', path: `/runs/${runs.refused.id}` },
  { name: 'workflows', path: '/workflows' },
  { name: 'workflows-none', path: '/workflows?q=none-is-called-so' },
  { name: 'workflow-new', path: '/workflows/new' },
  { name: 'workflow-runs', path: `/workflows/${checked.workflow.id}` },
  ...WORKFLOW_TABS.map((tab) => ({ name: `workflow-${tab}`, path: `/workflows/${workflow.id}/${tab}` })),
  { name: 'workflow-started', path: `/workflows/${workflow.id}` },
  { name: 'workflow-starts', path: `/workflows/${workflow.id}/document`, open: editStarts },
  { name: 'workflow-build', path: `/workflows/${checked.workflow.id}/document`, open: editStep },
  { name: 'workflow-compare', path: `/workflows/${checked.workflow.id}/compare` },
  { name: 'workflow-compare-text', path: `/workflows/${checked.workflow.id}/compare?view=text` },
  { name: 'workflow-run', path: `/workflows/runs/${runs.looked.id}?step=look` },
  { name: 'workflow-run-failed', path: `/workflows/runs/${checked.failed.id}` },
  { name: 'workflow-run-asked', path: `/workflows/runs/${checked.asked.id}` },
  { name: 'workflow-run-graph', path: `/workflows/runs/${checked.asked.id}?view=graph` },
  { name: 'workflow-run-timeline', path: `/workflows/runs/${checked.failed.id}?view=timeline` },
  { name: 'workflow-fork', path: `/workflows/runs/${checked.failed.id}`, open: (page) => page.getByRole('button', { name: 'Run again', exact: true }).click().then(() => page.getByLabel('app').waitFor()) },
  { name: 'workflow-move', path: `/workflows/runs/${checked.asked.id}`, open: planMove },
  { name: 'activity', path: '/activity' },
  ...SETTINGS_TABS.map((tab) => ({ name: `settings-${tab}`, path: `/settings/${tab}` })),
  {
    name: 'channel-new',
    path: '/settings/notifications',
    open: (page) => page.getByRole('button', { name: 'Add a channel' }).first().click().then(() => page.getByRole('dialog').waitFor()),
  },
  { name: 'inbox', path: '/inbox' },
  { name: 'routing', path: '/settings/routing' },
  { name: 'learning', path: '/learning' },
  { name: 'connect', path: '/connect' },
  { name: 'connect-hosts', path: '/connect/hosts' },
  { name: 'team', path: '/team' },
  { name: 'invitations', path: '/team/invitations' },
  { name: 'roles', path: '/team/roles' },
  { name: 'person', path: `/team/people/${me.id}` },
  { name: 'view-as', path: `/team/people/${me.id}/access?object=app:${hello.id}` },
  { name: 'secrets', path: '/secrets' },
  { name: 'projects', path: '/projects' },
  { name: 'device', path: '/device' },
  { name: 'health', path: '/admin/health' },
  { name: 'lost', path: '/no/such/page' },
  { name: 'palette', path: '/apps', open: (page) => page.keyboard.press('Control+k').then(() => page.getByRole('option').first().waitFor()) },
  { name: 'shortcuts', path: '/', open: (page) => page.keyboard.press('?').then(() => page.getByRole('dialog').waitFor()) },
  {
    name: 'role-draft',
    path: '/team/roles',
    open: (page) => page.getByRole('button', { name: 'New role' }).click().then(() => page.getByRole('form').waitFor()),
  },
  {
    name: 'plan',
    path: `/apps/${hello.id}`,
    open: async (page) => {
      await page.keyboard.press('d')
      await page.getByRole('dialog').getByRole('listitem').first().waitFor()
    },
  },
]

/** Pages for people who are not signed in. */
export const openPages = [
  { name: 'login', path: '/login' },
  { name: 'forgot', path: '/forgot' },
  { name: 'reset', path: '/reset#sfp_none' },
  { name: 'reset-cut', path: '/reset' },
  { name: 'invitation-over', path: '/invitation#sfi_none' },
]
