//! Domains between their rows and their nodes.

use anyhow::{Context, Result, bail, ensure};
use sf_actions::proxy::{Provision, ProxyAction, ProxyRef};
use sf_actions::{Action, Actor};
use sf_engine::{Done, Run, RunState};
use sf_protocol::Frame;
use sf_protocol::handshake::{VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_protocol::report::NodeEvent;
use sf_protocol::site::{CertificateState, PathRoute, SiteReport, SiteSettings};
use sf_store::proxies::{ProxyFilter, ProxyState};
use sf_testkit::{Plane, Script, SimNode};
use sf_types::{AppId, PageRequest, Timestamp};

fn provision(app: AppId, domain: &str, settings: SiteSettings) -> Result<Action> {
    let domain = domain.parse().context("a domain")?;
    Ok(Action::Proxy(ProxyAction::Provision(Box::new(Provision { app, domain, settings }))))
}

async fn ended(plane: &Plane, actor: &Actor, action: Action) -> Result<Run> {
    plane.ended(plane.open_run(actor, action).await?).await
}

async fn code(plane: &Plane, actor: &Actor, action: Action) -> Result<String> {
    match plane.propose(actor, action).await {
        Err(fault) => Ok(fault.code),
        Ok(other) => bail!("it should have been refused: {other:?}"),
    }
}

/// The node's own word, once it is taken in.
async fn tell(plane: &Plane, node: &SimNode, site: SiteReport) -> Result<()> {
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    wire.say(&node.event(NodeEvent::Site { site })).await?;
    while !matches!(wire.hear().await?, Frame::Stored(_)) {}
    Ok(())
}

const DONE: RunState = RunState::Done(Done::Succeeded);

pub async fn a_domain_is_one_apps_and_what_its_node_says_it_is(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, other) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let (shop, api) = (plane.app(&admin, node.id(), "shop").await?, plane.app(&admin, node.id(), "api").await?);
    let far = plane.app(&admin, other.id(), "far").await?;
    let all = async || plane.control.proxies(&admin, &ProxyFilter::default(), &PageRequest::default()).await;

    // An agent that knows no domains is asked for none.
    node.speak(Versions { min: 1, max: 2 });
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let plain = || provision(shop, "shop.example.org", SiteSettings::default());
    assert_eq!(code(&plane, &admin, plain()?).await?, "proxy.agent_too_old");
    session.cut().await;
    node.speak(VERSIONS);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;

    assert_eq!(ended(&plane, &admin, plain()?).await?.state, DONE);
    let command = node.began().pop().context("an order")?;
    let Order::ProvisionDomain(order) = &command.order else { bail!("a domain: {command:?}") };
    assert_eq!((order.site.generation, order.site.domain.as_str()), (1, "shop.example.org"));
    let row = all().await?.items.pop().context("a row")?.proxy;
    assert_eq!((row.state, row.served.as_ref().map(|served| served.0.generation)), (ProxyState::Live, Some(1)));

    // It is nobody else's, neither as a name nor as another name of something.
    let of = |app, domain: &str| provision(app, domain, SiteSettings::default());
    assert_eq!(code(&plane, &admin, of(api, "shop.example.org")?).await?, "proxy.domain_taken");
    let aliases = vec!["SHOP.example.org".parse().context("a name")?];
    let thief = provision(api, "api.example.org", SiteSettings { aliases, ..SiteSettings::default() })?;
    assert_eq!(code(&plane, &admin, thief).await?, "proxy.domain_taken");
    let routes = vec![PathRoute { path: "/far".parse().context("a path")?, app: far }];
    let astray = provision(shop, "shop.example.org", SiteSettings { routes, ..SiteSettings::default() })?;
    assert_eq!(code(&plane, &admin, astray).await?, "proxy.app_elsewhere");

    // A name that was given up is anybody's once the node has let go of it.
    let aliases = vec!["www.example.org".parse().context("a name")?];
    let with_www = provision(shop, "shop.example.org", SiteSettings { aliases, ..SiteSettings::default() })?;
    assert_eq!(ended(&plane, &admin, with_www).await?.state, DONE);
    assert_eq!(code(&plane, &admin, of(api, "www.example.org")?).await?, "proxy.domain_taken");
    assert_eq!(ended(&plane, &admin, plain()?).await?.state, DONE);
    assert_eq!(ended(&plane, &admin, of(api, "www.example.org")?).await?.state, DONE);

    // A node tells by itself of a certificate; another node's word counts for nothing.
    let next = Timestamp::from_millis(5000);
    let certificate = CertificateState::Missing { why: None, next };
    let report = SiteReport { proxy: row.id, generation: 3, certificate: certificate.clone() };
    let stranger = SiteReport { certificate: CertificateState::None, ..report.clone() };
    session.cut().await;
    let before = plane.control.proxy(&admin, row.id).await?.proxy.certificate;
    tell(&plane, &other, stranger).await?;
    assert_eq!(plane.control.proxy(&admin, row.id).await?.proxy.certificate, before);
    tell(&plane, &node, report).await?;
    let heard = plane.control.proxy(&admin, row.id).await?.proxy.certificate;
    assert_eq!(heard.map(|state| state.0), Some(certificate));

    // What cannot be served leaves what is served, and says why.
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Fail).await?;
    let run = ended(&plane, &admin, plain()?).await?;
    assert_eq!(run.state, RunState::Done(Done::Failed));
    let after = plane.control.proxy(&admin, row.id).await?.proxy;
    ensure!(
        after.reason.is_some() && after.served.is_some_and(|served| served.0.generation == 3),
        "{:?}",
        after.reason
    );
    session.cut().await;

    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let gone = Action::Proxy(ProxyAction::Delete(ProxyRef { proxy: row.id }));
    assert_eq!(ended(&plane, &admin, gone.clone()).await?.state, DONE);
    assert_eq!(code(&plane, &admin, gone).await?, "domain.not_found");
    assert_eq!(ended(&plane, &admin, of(api, "shop.example.org")?).await?.state, DONE, "it is free again");
    Ok(())
}
