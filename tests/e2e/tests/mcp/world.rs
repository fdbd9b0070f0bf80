//! A control plane that listens, with the tools of [`super::toolbox`] or the fixtures of the conformance runner.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sf_actions::access::{AccessAction, CreateToken, SpeaksFor};
use sf_actions::{Action, Actor, Permission};
use sf_api::rate::Rates;
use sf_api::{ApiOptions, Serving};
use sf_control::{Control, Made, Proposed};
use sf_mcp::tools::{Options, Tools};
use sf_mcp::wire::{self, WireOptions};
use sf_runtime::{OnError, Rate, Tasks};
use sf_testkit::{Database, Plane};
use sf_types::Secret;
use tokio::net::TcpListener;

use super::host::Host;
use super::toolbox::Sample;

/// What `/metrics` asks for.
pub const METRICS: &str = "metrics-secret";

/// What stands behind the door.
#[derive(Clone, Debug)]
pub enum Behind {
    /// Tools of the tests.
    Sample(Sample),
    /// Our own.
    Ours,
    /// What the conformance runner wants to find.
    Fixtures,
}

/// What listens.
pub struct World {
    pub plane: Plane,
    pub admin: Actor,
    pub tools: Sample,
    pub address: SocketAddr,
    pub tasks: Tasks,
}

impl World {
    pub async fn start() -> Result<Self> {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut WireOptions)) -> Result<Self> {
        Self::behind(|tools| Behind::Sample(tools.clone()), change).await
    }

    /// One with our own tools.
    pub async fn ours() -> Result<Self> {
        Self::behind(|_| Behind::Ours, |_| {}).await
    }

    /// One with what the conformance runner wants to find.
    pub async fn conformance() -> Result<Self> {
        Self::behind(|_| Behind::Fixtures, |_| {}).await
    }

    /// One with our own tools that lets hosts in: it goes by the address at which it listens.
    pub async fn letting_in(database: Database<'_>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let plane = Plane::start(database).await?;
        let plane = plane.reconfigured(|options| options.public_url = format!("http://{address}")).await?;
        let admin = plane.admin().await?;
        let (tasks, tools) = (Tasks::new(), Sample::new(plane.control.clone()));
        // Nothing is waited for that a person has to decide.
        let change = |options: &mut WireOptions| options.patience = std::time::Duration::from_millis(300);
        serve(listener, &plane.control, &tasks, (Behind::Ours, WIDE), change)?;
        Ok(Self { plane, admin, tools, address, tasks })
    }

    async fn behind(which: impl FnOnce(&Sample) -> Behind, change: impl FnOnce(&mut WireOptions)) -> Result<Self> {
        let plane = Plane::start(sf_testkit::Database::Sqlite).await?;
        let admin = plane.admin().await?;
        let (tasks, tools) = (Tasks::new(), Sample::new(plane.control.clone()));
        let address = listen(&plane.control, &tasks, which(&tools), change).await?;
        Ok(Self { plane, admin, tools, address, tasks })
    }

    /// A host with a key for all its person may do.
    pub async fn host(&self) -> Result<Host> {
        Ok(Host::new(self.address, self.key(None).await?))
    }

    /// A host with a key for these rights.
    pub async fn host_with(&self, rights: &[Permission]) -> Result<Host> {
        Ok(Host::new(self.address, self.key(Some(rights)).await?))
    }

    /// The text of a fresh key.
    pub async fn key(&self, rights: Option<&[Permission]>) -> Result<String> {
        let create = CreateToken {
            name: "a host".parse().ok().context("a name")?,
            days: 7,
            scopes: rights.map(<[Permission]>::to_vec),
            addresses: None,
            project: None,
            speaks_for: SpeaksFor::Ai,
        };
        match self.plane.propose(&self.admin, Action::Access(AccessAction::CreateToken(create))).await? {
            Proposed::Done(_, Made::Token { text, .. }) => Ok(text),
            other => bail!("expected a token, got {other:?}"),
        }
    }

    pub async fn stop(self) {
        self.tasks.stop(std::time::Duration::from_secs(2)).await;
        self.plane.stop().await;
    }
}

/// Another edge over the same control plane, or another one.
pub async fn listen(
    control: &Control,
    tasks: &Tasks,
    behind: Behind,
    change: impl FnOnce(&mut WireOptions),
) -> Result<SocketAddr> {
    listen_at(control, tasks, (behind, WIDE), change).await
}

/// One that takes two requests of an address, and one more a second.
pub async fn listen_narrowly(control: &Control, tasks: &Tasks, tools: Sample) -> Result<SocketAddr> {
    listen_at(control, tasks, (Behind::Sample(tools), Rate::a_second(2, 1)), |_| {}).await
}

const WIDE: Rate = Rate::a_second(100_000, 100_000);

async fn listen_at(
    control: &Control,
    tasks: &Tasks,
    behind: (Behind, Rate),
    change: impl FnOnce(&mut WireOptions),
) -> Result<SocketAddr> {
    serve(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, control, tasks, behind, change)
}

fn serve(
    listener: TcpListener,
    control: &Control,
    tasks: &Tasks,
    (behind, rate): (Behind, Rate),
    change: impl FnOnce(&mut WireOptions),
) -> Result<SocketAddr> {
    let address = listener.local_addr()?;
    let mut options = WireOptions::new(tasks.clone(), format!("http://{address}"));
    change(&mut options);
    let public_url = options.public_url.clone();
    let beside = match behind {
        Behind::Sample(tools) => wire::router(control.clone(), tools, options),
        Behind::Ours => wire::router(control.clone(), Tools::new(control.clone(), Options { public_url }), options),
        Behind::Fixtures => sf_mcp::conformance::router(control.clone(), options),
    };
    let mut api = ApiOptions::new(tasks.clone());
    api.metrics_token = Some(Arc::new(Secret::new(METRICS.to_owned())));
    api.rates = Rates { address: rate, principal: rate, sign_in: rate };
    let router = sf_api::router_beside(control.clone(), api, beside);
    tasks.spawn("api", OnError::Log, sf_api::serve(listener, router, Serving::with(None), tasks.shutdown()));
    Ok(address)
}
