//! Builders and the hot path between control planes and agents of different ages.

use anyhow::{Context, Result, bail, ensure};
use sf_actions::app::{AppAction, Settings, Update};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, Actor};
use sf_engine::{Done, RunState};
use sf_protocol::build::Builder;
use sf_protocol::handshake::{BUILDERS_SINCE, VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_testkit::{Plane, Script, SimNode};
use sf_types::AppId;

async fn set(plane: &Plane, actor: &Actor, app: AppId, builder: Builder) -> Result<()> {
    let mut settings = Settings::of("https://git.example.org/team/app");
    settings.build.builder = Some(builder);
    settings.build.hot_path = Some(false);
    let update = Action::App(AppAction::Update(Box::new(Update { app, settings, from: None })));
    plane.propose(actor, update).await?;
    Ok(())
}

/// Whether the last deploy ordered says that everything is to be done, and what it says of the hot path.
fn ordered(node: &SimNode) -> Result<(bool, Option<bool>)> {
    match node.began().pop().context("an order")?.order {
        Order::Deploy(deploy) => Ok((deploy.full, deploy.app.build.hot_path)),
        other => bail!("a deploy: {other:?}"),
    }
}

pub async fn an_older_agent_is_ordered_only_what_it_knows(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let full = || Action::Deploy(DeployAction::Deploy(Deploy { app, reference: None, commit: None, full: true }));
    for (max, told) in [(BUILDERS_SINCE - 1, (false, None)), (VERSIONS.max, (true, Some(false)))] {
        node.speak(Versions { min: 1, max });
        let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
        set(&plane, &admin, app, Builder::Go).await?;
        if max < BUILDERS_SINCE {
            let refused = plane.propose(&admin, full()).await.err().context("a refusal")?;
            assert_eq!(refused.code, "build.agent_too_old");
            ensure!(node.began().is_empty(), "nothing was ordered");
            set(&plane, &admin, app, Builder::Node).await?;
        }
        let run = plane.ended(plane.open_run(&admin, full()).await?).await?;
        assert_eq!(run.state, RunState::Done(Done::Succeeded));
        assert_eq!(ordered(&node)?, told, "version {max}");
        session.cut().await;
    }
    Ok(())
}
