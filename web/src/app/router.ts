import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { watch } from 'vue'
import { access, type Duty } from '@/api/session'
import { pageTitle } from '@/ui/pageTitle'

declare module 'vue-router' {
  interface RouteMeta {
    /** What the tab is called; pages of one object set their own with `usePageTitle`. */
    title?: string
    /** Shown without signing in, and without the shell. */
    open?: boolean
  }
}

/** An id in a path; what is none is a page that does not exist. */
const id = ':id([0-9a-f]{8}-[0-9a-f-]{27})'

/** All pages but the first are behind one door: their names, and those of what each brings, weigh more than the rest of this file. */
type Pages = typeof import('@/app/pages')
const page = (name: keyof Pages) => () => import('@/app/pages').then((all) => all[name]())
/** Those of the panel, behind a door of their own for the same reason. */
type PanelPages = typeof import('@/app/panel/pages')
const panel = (name: keyof PanelPages) => () => import('@/app/panel/pages').then((all) => all[name]())

const open: RouteRecordRaw[] = [
  { path: '/login', component: () => import('@/features/session/SignInPage.vue'), meta: { open: true, title: 'Sign in' } },
  { path: '/forgot', component: page('ForgotPage'), meta: { open: true, title: 'Forgotten password' } },
  { path: '/reset', component: page('ResetPage'), meta: { open: true, title: 'New password' } },
  { path: '/invitation', component: page('AcceptPage'), meta: { open: true, title: 'Invitation' } },
  { path: '/welcome', component: page('WelcomePage'), meta: { open: true, title: 'Welcome' } },
]

const inside: RouteRecordRaw[] = [
  { path: '', name: 'home', component: () => import('@/features/home/HomePage.vue'), meta: { title: 'Home' } },
  { path: 'nodes', component: page('NodesPage'), meta: { title: 'Nodes' } },
  { path: 'nodes/new', component: page('AddNodePage'), meta: { title: 'Add a node' } },
  {
    path: `nodes/${id}/:tab(overview|processes|ports|metrics|security|events)?`,
    name: 'node',
    component: page('NodePage'),
  },
  { path: 'apps', component: page('AppsPage'), meta: { title: 'Apps' } },
  { path: 'apps/new', component: page('NewAppPage'), meta: { title: 'New app' } },
  {
    path: `apps/${id}/:tab(overview|deployments|push|previews|schedules|env|files|domains|logs|metrics|settings)?`,
    name: 'app',
    component: page('AppPage'),
  },
  {
    path: `apps/${id}/deployments/:number(\\d+)`,
    name: 'deployment',
    component: page('DeploymentPage'),
  },
  { path: 'servers', component: panel('ServersPage') },
  { path: 'servers/new', component: panel('NewServerPage') },
  // What tabs there are is said in one place, `features/servers/one/tabs.ts`.
  { path: `servers/${id}/:tab([a-z]+)?`, name: 'server', component: panel('ServerPage') },
  { path: 'monitoring', component: panel('MonitoringPage') },
  { path: 'templates', component: panel('TemplatesPage') },
  { path: 'templates/import', component: panel('ImportPage') },
  { path: 'templates/new', component: panel('NewTemplatePage') },
  { path: `templates/${id}/:tab(document|versions)?`, name: 'template', component: panel('TemplatePage') },
  { path: 'domains', component: page('DomainsPage') },
  { path: 'domains/new', component: page('NewDomainPage') },
  { path: `domains/${id}/:tab(overview|settings)?`, name: 'domain', component: page('DomainPage') },
  { path: `inbox/${id}?`, name: 'inbox', component: page('InboxPage'), meta: { title: 'Inbox' } },
  { path: 'runs', component: page('RunsPage'), meta: { title: 'Runs' } },
  { path: `runs/${id}`, name: 'run', component: page('RunPage') },
  { path: 'workflows', component: page('WorkflowsPage') },
  { path: 'workflows/new', component: page('NewWorkflowPage') },
  { path: `workflows/runs/${id}`, name: 'execution', component: page('ExecutionPage') },
  { path: `workflows/${id}/:tab(runs|triggers)?`, name: 'workflow', component: page('WorkflowPage') },
  { path: `workflows/${id}/document`, name: 'workflow-document', component: page('WorkflowDocumentPage') },
  { path: `workflows/${id}/compare`, name: 'workflow-compare', component: page('WorkflowComparePage') },
  { path: 'activity', component: page('ActivityPage'), meta: { title: 'Activity' } },
  {
    path: 'settings/:tab(profile|security|sessions|tokens|deputies|notifications|mail|appearance|about)?',
    name: 'settings',
    component: page('SettingsPage'),
    meta: { title: 'Settings' },
  },
  { path: 'settings/routing', component: page('RoutingPage') },
  { path: 'learning', component: page('LearningPage') },
  { path: 'team/:tab(people|invitations|roles)?', component: page('TeamPage') },
  { path: `team/people/${id}/:tab(rights|access)?`, name: 'person', component: page('PersonPage') },
  { path: 'teams', component: page('TeamsPage'), meta: { title: 'Teams' } },
  { path: 'secrets', component: page('SecretsPage') },
  { path: 'projects', component: page('ProjectsPage') },
  { path: 'connect/:tab(hosts|calls)?', component: page('ConnectPage') },
  { path: 'device', component: page('DevicePage') },
  { path: 'admin/health', component: page('HealthPage'), meta: { title: 'Health' } },
  { path: ':path(.*)*', component: page('LostPage'), meta: { title: 'Not found' } },
]

/** Where one does what has to be done first. */
const duties: Record<Duty, string> = { password: '/own-password', factor: '/second-factor' }
const due: RouteRecordRaw[] = [
  { path: duties.password, component: page('OwnPasswordPage'), meta: { title: 'A password of your own' } },
  { path: duties.factor, component: page('FirstFactorPage'), meta: { title: 'Second factor' } },
]
/** Signed in, and without the shell: what is decided there is the only thing on it. */
const alone: RouteRecordRaw[] = [{ path: '/connect/authorize', component: page('ConsentPage') }]

export const router = createRouter({
  history: createWebHistory(),
  routes: [...open, ...due, ...alone, { path: '/', component: () => import('@/app/shell/AppShell.vue'), children: inside }],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  // Nobody answers: the shell says so and goes on when it is back, instead of asking for a password.
  const token = await access.token().catch(() => 'away')
  if (token) return dueAt(to.path)
  const next = to.fullPath === '/' ? undefined : to.fullPath
  return { path: '/login', query: next ? { next } : {} }
})

/** The page that has to come first; true where it is this one, or none has to. */
function dueAt(path: string): true | string {
  const first = access.owes.value && duties[access.owes.value]
  if (first) return path === first || first
  return Object.values(duties).includes(path) ? '/' : true
}
// Also when it turns out later, with a renewed token.
watch(access.owes, () => {
  const { path, meta } = router.currentRoute.value
  const first = dueAt(path)
  if (access.state.value === 'in' && !meta.open && first !== true) void router.replace(first)
})

router.afterEach((to) => {
  if (to.meta.title) pageTitle.value = to.meta.title
})
