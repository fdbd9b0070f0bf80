//! Domains on a real nginx with certificates of a real ACME server.

#[path = "sites/load.rs"]
mod load;
#[path = "sites/machine.rs"]
mod machine;
#[path = "sites/streams.rs"]
mod streams;
#[path = "sites/upkeep.rs"]
mod upkeep;

use sf_protocol::order::{AppVerb, DeleteProxy, Order, ProvisionDomain};
use sf_protocol::outcome::Facts;
use sf_protocol::report::NodeEvent;
use sf_protocol::site::{
    CertificateFrom, CertificateState, Maintenance, PathRoute, Redirect, SiteReport, SiteSettings, SiteSpec, Tls,
};
use sf_protocol::{Guard, Outcome, Verdict};
use sf_runtime::{Clock, Rng};
use sf_types::{ByteSize, Millis, ProxyId, Timestamp};

use super::authority::{Authority, free_port, get_plain, get_tls};
use super::server;
use super::world::World;

/// A node whose owner chose an nginx of the agent's own, on free ports, and this authority.
struct Domains {
    world: World,
    authority: Authority,
    http: u16,
    https: u16,
}

impl Domains {
    async fn new(resolves: bool) -> Self {
        let world = World::enrolled().await;
        let (http, https) = (free_port(), free_port());
        let authority = Authority::start(world.dir.path(), http, resolves).await;
        let domains = Self { world, authority, http, https };
        domains.owner_says("");
        domains
    }

    fn owner_says(&self, more: &str) {
        self.owner_chose("nginx = \"own\"", more);
    }

    fn owner_chose(&self, nginx: &str, more: &str) {
        let policy = format!(
            "allow_file_below = [\"{}\"]\n{more}\n[proxy]\n{nginx}\nhttp = {}\nhttps = {}\nacme = \"{}\"\nacme_ca = \"{}\"\n",
            self.world.repository().display(),
            self.http,
            self.https,
            self.authority.url,
            self.authority.ca.display(),
        );
        std::fs::write(self.world.state().join("policy.toml"), policy).unwrap();
    }

    async fn running(resolves: bool) -> Self {
        Self::running_app(resolves, &server("one", 200, None)).await
    }

    async fn running_app(resolves: bool, app: &str) -> Self {
        let mut domains = Self::new(resolves).await;
        domains.world.commit_server(app).await;
        domains.world.start(None).await;
        domains.world.plane.connected(0).await;
        let outcome = domains.world.deploy().await;
        domains.world.succeeded(&outcome);
        domains
    }

    fn site(&self, domain: &str) -> SiteSpec {
        SiteSpec {
            proxy: Rng::system().id(&Clock::system()),
            app: self.world.app,
            generation: 1,
            domain: domain.parse().unwrap(),
            settings: SiteSettings::default(),
        }
    }

    async fn provision(&self, site: &SiteSpec) -> Outcome {
        let order = ProvisionDomain { site: site.clone(), time_limit: Millis::secs(60) };
        self.world.plane.run(Order::ProvisionDomain(Box::new(order))).await
    }

    async fn remove(&self, proxy: ProxyId) -> Outcome {
        self.world.plane.run(Order::DeleteProxy(DeleteProxy { proxy, app: self.world.app })).await
    }

    async fn plain(&self, host: &str, path: &str) -> String {
        get_plain(self.http, host, path).await.unwrap()
    }

    fn served(&self, outcome: &Outcome) -> SiteReport {
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{:?}\n{}", outcome.fault, self.world.log());
        let Facts::Site { site: Some(report) } = &outcome.facts else { panic!("facts of a site: {outcome:?}") };
        report.clone()
    }
}

fn without_tls(site: SiteSpec) -> SiteSpec {
    let tls = Tls { certificate: CertificateFrom::None, ..Tls::default() };
    SiteSpec { settings: SiteSettings { tls, ..site.settings }, ..site }
}

fn refused(outcome: &Outcome) -> String {
    assert_eq!(outcome.verdict, Verdict::Failed, "{outcome:?}");
    outcome.fault.as_ref().unwrap().code.clone()
}

#[tokio::test]
async fn a_domain_is_served_with_a_certificate_and_outlives_the_agent() {
    let mut domains = Domains::running(true).await;
    let mut site = domains.site("shop.example.test");
    site.settings.aliases = vec!["www.shop.example.test".parse().unwrap()];
    let report = domains.served(&domains.provision(&site).await);
    let CertificateState::Valid { certificate, next, why: None } = &report.certificate else { panic!("{report:?}") };
    assert_eq!(certificate.names.len(), 2);
    let life = certificate.not_after.since(certificate.not_before);
    let renewed = next.since(certificate.not_before);
    assert!(renewed >= life * 2 / 3 && renewed <= life * 3 / 4, "{next}");
    let root = domains.authority.root().await;
    let page = |domains: &Domains| {
        let (https, root) = (domains.https, root.clone());
        async move { get_tls(https, "shop.example.test", &root, "GET", "/").await.unwrap() }
    };
    let answer = page(&domains).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("one"), "{answer}");
    // Plain HTTP and the other name lead there.
    let plain = domains.plain("shop.example.test", "/a?b=c").await;
    assert!(plain.starts_with("HTTP/1.1 308"), "{plain}");
    assert!(plain.contains(&format!("https://shop.example.test:{}/a?b=c", domains.https)), "{plain}");
    let other = get_tls(domains.https, "www.shop.example.test", &root, "GET", "/x").await.unwrap();
    assert!(other.contains("308") && other.contains("https://shop.example.test"), "{other}");
    // Another host gets nothing, on either port.
    assert!(get_plain(domains.http, "evil.example.test", "/").await.map_or(true, |answer| answer.is_empty()));
    assert!(get_tls(domains.https, "evil.example.test", &root, "GET", "/").await.is_err());

    // nginx serves on while there is no agent, and while there is a new release.
    domains.world.kill().await;
    assert!(page(&domains).await.ends_with("one"));
    domains.world.start(None).await;
    domains.world.plane.connected(1).await;
    domains.world.commit_server(&server("two", 200, None)).await;
    let outcome = domains.world.deploy().await;
    domains.world.succeeded(&outcome);
    assert!(page(&domains).await.ends_with("two"));

    // Asked again, nothing is asked of the authority: the certificate holds.
    site.generation = 2;
    let again = domains.served(&domains.provision(&site).await);
    assert_eq!(again.certificate, report.certificate);
    // An older word changes nothing.
    site.generation = 1;
    assert_eq!(refused(&domains.provision(&site).await), "proxy.older_generation");

    // A domain goes with its app, too.
    let orphan = without_tls(domains.site("orphan.example.test"));
    domains.served(&domains.provision(&orphan).await);
    let gone = domains.remove(site.proxy).await;
    assert_eq!((gone.verdict, &gone.facts), (Verdict::Succeeded, &Facts::Site { site: None }), "{gone:?}");
    assert!(get_tls(domains.https, "shop.example.test", &root, "GET", "/").await.is_err());
    assert!(!domains.world.state().join("proxy/certificates").join(site.proxy.to_string()).exists());
    assert_eq!(domains.remove(site.proxy).await.verdict, Verdict::Succeeded, "gone is gone");
    assert!(domains.plain("orphan.example.test", "/").await.ends_with("two"));
    let delete = domains.world.action(AppVerb::Delete);
    assert_eq!(domains.world.plane.run(delete).await.verdict, Verdict::Succeeded, "{}", domains.world.log());
    assert!(get_plain(domains.http, "orphan.example.test", "/").await.map_or(true, |answer| answer.is_empty()));
}

#[tokio::test]
async fn without_a_certificate_a_site_is_served_and_says_why() {
    let domains = Domains::running(false).await;
    let site = domains.site("shop.example.test");
    let report = domains.served(&domains.provision(&site).await);
    let CertificateState::Missing { why: Some(why), .. } = &report.certificate else { panic!("{report:?}") };
    assert!(["certificate.dns", "certificate.connection"].contains(&why.code.as_str()), "{why:?}");
    assert!(!why.fix.is_empty());
    let answer = domains.plain("shop.example.test", "/").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("one"), "{answer}");
    // An authority that cannot be spoken to at all.
    domains.owner_says("");
    let text = std::fs::read_to_string(domains.world.state().join("policy.toml")).unwrap();
    let nowhere = text.replace(&domains.authority.url, "https://localhost:1/dir");
    std::fs::write(domains.world.state().join("policy.toml"), nowhere).unwrap();
    let mut other = domains.site("other.example.test");
    other.settings.tls.hsts = true;
    let report = domains.served(&domains.provision(&other).await);
    let CertificateState::Missing { why: Some(why), .. } = &report.certificate else { panic!("{report:?}") };
    assert_eq!(why.code, "certificate.unreachable");
    assert!(domains.plain("other.example.test", "/").await.ends_with("one"));
}

#[tokio::test]
async fn what_was_served_is_served_on_when_a_change_is_refused() {
    let domains = Domains::running(true).await;
    let site = without_tls(domains.site("shop.example.test"));
    domains.served(&domains.provision(&site).await);
    let serves = || async { domains.plain("shop.example.test", "/").await.ends_with("one") };
    assert!(serves().await);

    // Somebody else's name, also as an alias.
    let thief = without_tls(domains.site("shop.example.test"));
    assert_eq!(refused(&domains.provision(&thief).await), "proxy.domain_taken");
    let mut thief = without_tls(domains.site("thief.example.test"));
    thief.settings.aliases = vec!["shop.example.test".parse().unwrap()];
    assert_eq!(refused(&domains.provision(&thief).await), "proxy.domain_taken");

    // The node's owner does not want it.
    domains.owner_says("[deny]\ndomains = [\"*.bank.test\"]\n");
    let bank = without_tls(domains.site("www.bank.test"));
    let outcome = domains.provision(&bank).await;
    assert_eq!((outcome.verdict, outcome.fault.unwrap().code.as_str()), (Verdict::Refused, "policy.denied"));
    domains.owner_says("");

    // A name that nginx itself refuses, since its table has no room for it.
    let long = without_tls(domains.site(&format!("{}.example.test", vec!["a".repeat(60); 3].join("."))));
    let long = SiteSpec { settings: SiteSettings { aliases: many_names(), ..long.settings }, ..long };
    let outcome = domains.provision(&long).await;
    if outcome.verdict == Verdict::Failed {
        assert_eq!(outcome.fault.unwrap().code, "proxy.refused");
    }
    assert!(serves().await);

    // No nginx at all.
    let policy = domains.world.state().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{text}program = \"/nowhere/nginx\"\n")).unwrap();
    assert_eq!(refused(&domains.provision(&without_tls(domains.site("new.example.test"))).await), "proxy.no_nginx");
    std::fs::write(&policy, text.replace("\"own\"", "\"off\"")).unwrap();
    assert_eq!(refused(&domains.provision(&without_tls(domains.site("new.example.test"))).await), "proxy.off");
    assert!(serves().await);
}

fn many_names() -> Vec<sf_types::DomainName> {
    (0..20).map(|n| format!("{}{n}.example.test", "b".repeat(50)).parse().unwrap()).collect()
}

#[tokio::test]
async fn paths_lead_to_other_apps_and_pages_stand_in() {
    let mut domains = Domains::running(true).await;
    let shop = domains.world.app;
    domains.world.app = Rng::system().id(&Clock::system());
    domains.world.commit_server(&server("api", 200, None)).await;
    let site = {
        let mut site = without_tls(domains.site("shop.example.test"));
        site.app = shop;
        site.settings.routes = vec![PathRoute { path: "/api".parse().unwrap(), app: domains.world.app }];
        site.settings.max_body = ByteSize::kib(1);
        site
    };
    domains.served(&domains.provision(&site).await);
    // The other app was never deployed: it is said so, and the site serves.
    assert!(domains.plain("shop.example.test", "/api/x").await.starts_with("HTTP/1.1 503"));
    assert!(domains.plain("shop.example.test", "/").await.ends_with("one"));
    // Its first deploy is followed, though nobody speaks of the domain.
    let outcome = domains.world.deploy().await;
    domains.world.succeeded(&outcome);
    let (http, reached) = (domains.http, std::time::Instant::now());
    while !get_plain(http, "shop.example.test", "/api").await.unwrap().ends_with("api") {
        assert!(reached.elapsed() < super::plane::LIMIT, "{}", domains.world.log());
        tokio::task::yield_now().await;
    }
    assert!(domains.plain("shop.example.test", "/apix").await.ends_with("one"));

    let mut closed = SiteSpec { generation: 2, ..site.clone() };
    closed.settings.maintenance = Some(Maintenance { text: "Back at <8>".to_owned() });
    domains.served(&domains.provision(&closed).await);
    let answer = domains.plain("shop.example.test", "/anything").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Back at &lt;8&gt;"), "{answer}");
    assert!(answer.contains("Retry-After: 120"), "{answer}");

    let mut moved = SiteSpec { generation: 3, ..site };
    moved.settings.redirect = Some(Redirect { to: "new.example.test".parse().unwrap(), permanent: true });
    domains.served(&domains.provision(&moved).await);
    let answer = domains.plain("shop.example.test", "/a?b").await;
    assert!(
        answer.starts_with("HTTP/1.1 308") && answer.contains("Location: https://new.example.test/a?b"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_node_that_dies_in_the_middle_serves_one_or_the_other() {
    for point in ["proxy-before-link", "proxy-after-link"] {
        let mut domains = Domains::running(true).await;
        let site = without_tls(domains.site("shop.example.test"));
        domains.served(&domains.provision(&site).await);
        domains.world.kill().await;
        domains.world.start(Some(point)).await;
        domains.world.plane.connected(1).await;
        let mut closed = SiteSpec { generation: 2, ..site };
        closed.settings.maintenance = Some(Maintenance { text: "Closed".to_owned() });
        let order = ProvisionDomain { site: closed, time_limit: Millis::secs(60) };
        let command = domains.world.plane.order(Order::ProvisionDomain(Box::new(order)), Guard::default());
        domains.world.killed(point).await;
        assert!(domains.plain("shop.example.test", "/").await.ends_with("one"), "{point}");
        // What it promised is done by its successor.
        domains.world.start(None).await;
        let outcome = domains.world.plane.outcome(command).await;
        assert_eq!(domains.served(&outcome).generation, 2, "{point}");
        assert!(domains.plain("shop.example.test", "/").await.contains("Closed"), "{point}");
    }
}

#[tokio::test]
async fn a_certificate_comes_by_itself_once_the_authority_is_there() {
    let mut domains = Domains::running(true).await;
    let policy = domains.world.state().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace(&domains.authority.url, "https://localhost:1/dir")).unwrap();
    let site = domains.site("shop.example.test");
    let report = domains.served(&domains.provision(&site).await);
    assert!(matches!(report.certificate, CertificateState::Missing { why: Some(_), .. }));
    std::fs::write(&policy, text).unwrap();
    // The next try is a minute later: as if the agent had been away for an hour.
    domains.world.kill().await;
    let file = domains.world.state().join("proxy/sites").join(format!("{}.json", site.proxy));
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let at: Timestamp = serde_json::from_value(record["failures"]["at"].clone()).unwrap();
    record["failures"]["at"] = serde_json::to_value(at.minus(std::time::Duration::from_secs(3600))).unwrap();
    std::fs::write(&file, record.to_string()).unwrap();
    domains.world.start(None).await;
    domains.world.plane.connected(1).await;
    let told = domains.world.plane.until("its certificate", |state| {
        state.events.iter().find_map(|update| match &update.event {
            NodeEvent::Site { site } => Some(site.clone()),
            _ => None,
        })
    });
    // The failure was the command's own answer; what is told by itself is the certificate.
    let told = told.await;
    assert!(matches!(told.certificate, CertificateState::Valid { .. }), "{told:?}");
    let root = domains.authority.root().await;
    assert!(get_tls(domains.https, "shop.example.test", &root, "GET", "/").await.unwrap().ends_with("one"));
}
