//! Heads of audit chains as the daemon hears them over its connection: kept, said again, and never taken back.

use sf_protocol::frame::Frame;
use sf_protocol::report::NodeEvent;
use sf_protocol::{SecretKey, Signed};
use sf_runtime::{Clock, Rng};
use sf_types::InstanceId;

use super::world::World;

/// Shows a head and waits for what the node says it holds.
async fn shown(world: &World, signed: &Signed) -> Signed {
    let before = world.plane.state(|state| state.witnessed.len());
    world.plane.send(Frame::Witness(signed.clone()));
    world.plane.until("a head", |state| state.witnessed.get(before).cloned()).await
}

/// Waits until the node has reported this many refused heads; answers why it refused the last one.
async fn refused(world: &World, count: usize) -> String {
    let reasons = |state: &mut super::plane::State| {
        let found = state.events.iter().filter_map(|update| match &update.event {
            NodeEvent::Refused { kind, reason } if kind == "WITNESS" => Some(reason.clone()),
            _ => None,
        });
        found.collect::<Vec<_>>().get(count - 1).cloned()
    };
    world.plane.until("a refusal", reasons).await
}

fn on_disk(world: &World) -> Vec<Signed> {
    let text = std::fs::read(world.dir.path().join("state/witness.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&text).unwrap();
    serde_json::from_value(kept["checkpoints"].clone()).unwrap()
}

#[tokio::test]
async fn heads_are_kept_over_a_restart_and_nothing_forged_or_older_replaces_them() {
    let mut world = World::running().await;
    let chain: InstanceId = Rng::system().id(&Clock::system());
    let (one, two) = (world.plane.head_of(chain, 1, (10, 1)), world.plane.head_of(chain, 1, (20, 2)));
    assert_eq!(shown(&world, &one).await, one);
    assert_eq!(on_disk(&world), std::slice::from_ref(&one), "it is on disk before it is answered");
    assert_eq!(shown(&world, &two).await, two);
    // The newest is answered as it is and kept once; an older one, that was good when it came, is no head any more.
    assert_eq!(shown(&world, &two).await, two);
    assert_eq!(shown(&world, &one).await, two);
    assert!(refused(&world, 1).await.contains("had 20 lines and now has 10"));
    assert_eq!(on_disk(&world), [one.clone(), two.clone()]);

    world.kill().await;
    let connections = world.plane.state(|state| state.connections);
    world.start(None).await;
    world.plane.connected(connections).await;
    // Shorter than what was seen, as long with another end, and one that was never shown between the two.
    for (nth, head) in [(15, 9), (20, 9), (5, 9)].into_iter().enumerate() {
        assert_eq!(
            shown(&world, &world.plane.head_of(chain, 1, head)).await,
            two,
            "{head:?}: it holds on to the newest"
        );
        let reason = refused(&world, nth + 2).await;
        assert!(reason.contains("another audit chain"), "{reason}");
    }
    // Forged: by a key that nobody certified, and under another root. Neither is answered.
    let forger = SecretKey::from_seed(&[5; 32]);
    let elsewhere = super::plane::Plane::start().await;
    let forged = [world.plane.head_by(&forger, chain, 1, (30, 3)), elsewhere.head_of(chain, 1, (30, 3))];
    let said = world.plane.state(|state| state.witnessed.len());
    for (nth, signed) in forged.into_iter().enumerate() {
        world.plane.send(Frame::Witness(signed));
        refused(&world, nth + 5).await;
    }
    // Nor is one whose statement was changed under its signature.
    let mut bent = world.plane.head_of(chain, 1, (30, 3));
    let text = String::from_utf8(bent.payload.clone()).unwrap().replace("\"30\"", "\"31\"");
    bent.payload = text.into_bytes();
    world.plane.send(Frame::Witness(bent));
    refused(&world, 7).await;
    assert_eq!(world.plane.state(|state| state.witnessed.len()), said, "what is forged is not answered");
    assert_eq!(on_disk(&world), [one.clone(), two.clone()]);

    // The root has certified a higher epoch: the control plane was restored, and people are told.
    let restored = world.plane.head_of(chain, 2, (12, 7));
    assert_eq!(shown(&world, &restored).await, restored);
    let told = |state: &mut super::plane::State| {
        let found = state
            .events
            .iter()
            .any(|update| matches!(&update.event, NodeEvent::Notice { code, .. } if code == "audit.restored"));
        found.then_some(())
    };
    world.plane.until("a notice", told).await;
    // The epoch before is over, however long its chain was.
    assert_eq!(shown(&world, &world.plane.head_of(chain, 1, (40, 4))).await, restored);
    assert_eq!(on_disk(&world), [one, two, restored]);
}
