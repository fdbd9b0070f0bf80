// One name for the router, so that the first page need not carry what each of them takes.
export const DomainPage = () => import('./DomainPage.vue').then((page) => page.default)
export const DomainsPage = () => import('./DomainsPage.vue').then((page) => page.default)
export const NewDomainPage = () => import('./NewDomainPage.vue').then((page) => page.default)
