//! What a node does for its domains by itself: certificates are renewed, nginx's own log stays small.

use std::time::Duration;

use sf_protocol::Verdict;
use sf_protocol::order::{Order, ServiceAction, ServiceVerb};
use sf_protocol::outcome::Facts;
use sf_protocol::report::{NodeEvent, ServiceState};
use sf_protocol::site::{CertificateState, SiteReport};
use sf_types::{Millis, Timestamp};

use super::super::authority::{Authority, get_plain, get_tls};
use super::super::plane::{LIMIT, State};
use super::{Domains, refused, without_tls};

/// As short as an authority may make them here: a renewal is due after ten to twelve of them.
const LIFE_SECS: u64 = 16;

/// The newest certificate that the node told of by itself, issued after `earlier`.
fn newer(state: &State, earlier: Timestamp) -> Option<SiteReport> {
    let sites = state.events.iter().rev().filter_map(|update| match &update.event {
        NodeEvent::Site { site } => Some(site),
        _ => None,
    });
    let is_newer = |site: &&SiteReport| matches!(&site.certificate, CertificateState::Valid { certificate, .. } if certificate.not_before > earlier);
    sites.into_iter().find(is_newer).cloned()
}

#[tokio::test]
async fn a_certificate_is_renewed_again_and_again_and_there_is_always_one_that_holds() {
    let mut domains = Domains::running(true).await;
    domains.authority = Authority::of_life(domains.world.dir.path(), domains.http, true, LIFE_SECS).await;
    domains.owner_says("");
    let report = domains.served(&domains.provision(&domains.site("shop.example.test")).await);
    let root = domains.authority.root().await;
    let CertificateState::Valid { certificate, .. } = &report.certificate else { panic!("{report:?}") };
    let mut issued = certificate.not_before;
    for _ in 0..2 {
        let site = domains.world.plane.until("a renewal", |state| newer(state, issued)).await;
        let CertificateState::Valid { certificate, why: None, .. } = &site.certificate else { panic!("{site:?}") };
        issued = certificate.not_before;
        // The one before would be over soon; that it is taken shows which is served.
        let answer = get_tls(domains.https, "shop.example.test", &root, "GET", "/").await.unwrap();
        assert!(answer.ends_with("one"), "{answer}");
    }
}

#[tokio::test]
async fn the_error_log_of_its_own_nginx_is_turned_and_what_comes_goes_into_the_new_one() {
    let mut domains = Domains::running(false).await;
    domains.served(&domains.provision(&without_tls(domains.site("shop.example.test"))).await);
    domains.world.kill().await;
    let own = domains.world.state().join("proxy/own");
    let (log, before) = (own.join("error.log"), own.join("error.log.1"));
    // A hole is as long as what was written.
    std::fs::File::options().append(true).open(&log).unwrap().set_len(sf_agent::proxy::ERROR_LOG_BYTES + 1).unwrap();
    domains.world.start(None).await;
    let master = std::fs::read_to_string(own.join("nginx.pid")).unwrap();
    let descriptors = format!("/proc/{}/fd", master.trim());
    let writes_to = |file: &std::path::Path| {
        let open = std::fs::read_dir(&descriptors).unwrap().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|target| target == file)
    };
    let turned = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while !before.exists() || !writes_to(&log) || writes_to(&before) {
            look.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, turned).await.expect("a new log, which nginx writes to");
    assert!(std::fs::metadata(&log).unwrap().len() < sf_agent::proxy::ERROR_LOG_BYTES);
    assert!(domains.plain("shop.example.test", "/").await.ends_with("one"));
}

#[tokio::test]
async fn its_own_nginx_is_steered_and_a_file_it_would_refuse_stops_nothing() {
    let domains = Domains::running(false).await;
    domains.owner_says("danger = true");
    domains.served(&domains.provision(&without_tls(domains.site("shop.example.test"))).await);
    let steer = async |verb| {
        let action = ServiceAction { service: "nginx".parse().unwrap(), verb, time_limit: Millis::secs(60) };
        domains.world.plane.run(Order::ServiceAction(action)).await
    };
    let pid = domains.world.state().join("proxy/own/nginx.pid");
    let master = || std::fs::read_to_string(&pid).map(|text| text.trim().to_owned()).ok();
    let first = master();
    let serves = async || domains.plain("shop.example.test", "/").await.ends_with("one");

    for (verb, state) in [
        (ServiceVerb::Reload, ServiceState::Running),
        (ServiceVerb::Restart, ServiceState::Running),
        (ServiceVerb::Stop, ServiceState::Stopped),
        (ServiceVerb::Start, ServiceState::Running),
    ] {
        let outcome = steer(verb).await;
        assert_eq!((outcome.verdict, &outcome.facts), (Verdict::Succeeded, &Facts::Service { state }), "{outcome:?}");
        match verb {
            ServiceVerb::Reload => assert_eq!(master(), first, "the same master has read it anew"),
            ServiceVerb::Restart => assert_ne!(master(), first),
            ServiceVerb::Stop => assert!(get_plain(domains.http, "shop.example.test", "/").await.is_err()),
            ServiceVerb::Start => {}
        }
        assert!(verb == ServiceVerb::Stop || serves().await, "{verb:?}");
    }
    // Somebody has spoilt a file: it is said, and what serves serves on.
    let live = domains.world.state().join("proxy/live");
    std::fs::write(std::fs::canonicalize(live).unwrap().join("spoilt.conf"), "server { listen nowhere; }\n").unwrap();
    for verb in [ServiceVerb::Reload, ServiceVerb::Restart] {
        assert_eq!(refused(&steer(verb).await), "proxy.machine_refused");
        assert!(serves().await);
    }
}
