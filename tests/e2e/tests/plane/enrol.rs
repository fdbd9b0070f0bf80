//! How machines become nodes.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use sf_actions::Action;
use sf_actions::node::{Admit, NodeAction};
use sf_control::enrolment::MAX_WAITING_PER_ADDRESS;
use sf_control::{Made, Proposed};
use sf_protocol::SecretKey;
use sf_store::nodes::NodeFilter;
use sf_testkit::{Plane, Script, SimNode};
use sf_types::PageRequest;

pub async fn of_fifty_racing_uses_of_a_token_one_makes_a_node(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let token = plane.invite(&admin).await?;
    let dial = plane.dial();
    let uses = (0..50).map(|_| SimNode::enrol(&dial, &token, plane.root(), plane.clock.clone(), plane.rng.clone()));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(uses).await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for error in refused.into_iter().filter_map(Result::err) {
        assert_eq!(error.code(), "enrol.token_used", "{error}");
    }
    let nodes = plane.control.nodes(&admin, &NodeFilter::default(), &PageRequest::default()).await?;
    assert_eq!(nodes.items.len(), 1);
    let node = made.into_iter().next().context("one")??;
    assert_eq!(nodes.items[0].id, node.id());
    node.serve(&plane.nodes, &dial, Script::Succeed).await?;
    plane.stop().await;
    Ok(())
}

pub async fn an_expired_token_makes_no_node(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let token = plane.invite(&admin).await?;
    plane.pass(Duration::from_secs(15 * 60 + 1)).await?;
    let late = SimNode::enrol(&plane.dial(), &token, plane.root(), plane.clock.clone(), plane.rng.clone()).await;
    assert_eq!(late.err().context("refused")?.code(), "enrol.token_expired");
    plane.stop().await;
    Ok(())
}

pub async fn a_machine_with_a_code_is_admitted_by_a_person(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let machine = SimNode::ask(&plane.dial(), plane.root(), &plane.clock, &plane.rng).await?;
    let pending = plane.control.pending_devices(&admin).await?;
    assert_eq!((pending.len(), &*pending[0].host, &*pending[0].key_words), (1, "sim", &*machine.pending.words));
    let admit = |code: String| Action::Node(NodeAction::Admit(Admit { code, name: "Attic".parse().ok() }));
    let wrong = plane.propose(&admin, admit("BBBB-BBBB".to_owned())).await;
    assert_eq!(wrong.err().context("refused")?.code, "enrol.code_unknown");
    let typed = machine.pending.code.to_string().to_lowercase().replace('-', " ");
    let Proposed::Done(_, Made::Node(id)) = plane.propose(&admin, admit(typed.clone())).await? else {
        bail!("it is done at once")
    };
    let node = machine.admitted(plane.clock.clone(), plane.rng.clone()).await?;
    assert_eq!((node.id(), plane.node(id).await?.name), (id, "Attic".to_owned()));
    let again = plane.propose(&admin, admit(typed)).await;
    assert!(again.is_err(), "a code admits one machine");
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_wrong_root_is_refused_before_anything_is_told(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let token = plane.invite(&admin).await?;
    let other = SecretKey::from_seed(&[9; 32]).public().id();
    let dial = plane.dial();
    let refused = SimNode::enrol(&dial, &token, other, plane.clock.clone(), plane.rng.clone()).await;
    assert_eq!(refused.err().context("refused by the machine")?.code(), "handshake.wrong_root");
    let nodes = plane.control.nodes(&admin, &NodeFilter::default(), &PageRequest::default()).await?;
    assert_eq!(nodes.items, []);
    // Neither facts nor the proof were told: the token is as good as before.
    SimNode::enrol(&dial, &token, plane.root(), plane.clock.clone(), plane.rng.clone()).await?;
    plane.stop().await;
    Ok(())
}

pub async fn one_address_cannot_take_all_places(plane: Plane) -> Result<()> {
    let (dial, root) = (plane.dial(), plane.root());
    let mut waiting = Vec::new();
    for _ in 0..MAX_WAITING_PER_ADDRESS {
        waiting.push(SimNode::ask(&dial, root, &plane.clock, &plane.rng).await?);
    }
    let refused = SimNode::ask(&dial, root, &plane.clock, &plane.rng).await.err().context("one too many")?;
    assert_eq!(refused.code(), "enrol.too_many");
    // A token needs no place: nobody has to look.
    let admin = plane.admin().await?;
    plane.enrol(&admin).await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_code_ends_with_its_connection(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let machine = SimNode::ask(&plane.dial(), plane.root(), &plane.clock, &plane.rng).await?;
    let typed = machine.pending.code.to_string();
    drop(machine);
    while !plane.control.pending_devices(&admin).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    let admit = Action::Node(NodeAction::Admit(Admit { code: typed, name: None }));
    let late = plane.propose(&admin, admit).await;
    assert_eq!(late.err().context("nobody waits")?.code, "enrol.code_unknown");
    plane.stop().await;
    Ok(())
}
