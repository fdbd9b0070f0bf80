//! Nodes: how they come, connect, count and go.

use sf_engine::{Run, RunState};
use sf_protocol::app::AppState;
use sf_store::devices::{self, DeviceCode, DeviceState, MAX_ATTEMPTS};
use sf_store::nodes::{Connected, NodeFilter, NodeStatus};
use sf_store::{Json, Scope, StoreError, apps, enrol, nodes, runs};
use sf_types::{ConnectionId, NodeId, PageRequest, Timestamp};

use crate::fixture::{World, id, key, new_node, new_run};
use crate::tenancy::enrol_token;
use crate::write;

pub async fn enrolment_token_has_exactly_one_winner(world: World) {
    let (a, now) = (world.a, world.now());
    let token = enrol_token(a, now, Timestamp::from_millis(now.as_millis() + 1000));
    let (kept, token_id) = (token.clone(), token.id);
    write!(world.store, a.scope(), |tx| enrol::create(tx, &kept).await).unwrap();
    let store = &world.store;
    let races = (0..50).map(|_| {
        let new = new_node(a.tenant, "racer");
        async move {
            write!(store, Scope::System, |tx| {
                // The node first: a loser's must be taken back.
                let node = nodes::create(tx, new).await?;
                enrol::consume(tx, token_id).await?;
                enrol::made(tx, token_id, node.id).await?;
                Ok(node.id)
            })
        }
    });
    let races = futures_util::future::join_all(races).await;
    let winners: Vec<NodeId> = races.iter().filter_map(|race| race.as_ref().ok().copied()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(enrol::get(&world.system(), token_id).await.unwrap().node, Some(winners[0]));
    let all = nodes::page(&world.reader(a), &NodeFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(all.items.len(), 2, "the winner and the one that was there");
    let late = enrol_token(a, now, Timestamp::from_millis(now.as_millis() + 1000));
    let (kept, late) = (late.clone(), late.id);
    write!(store, a.scope(), |tx| enrol::create(tx, &kept).await).unwrap();
    world.pass(1000);
    let expired = write!(store, Scope::System, |tx| enrol::consume(tx, late).await);
    assert!(matches!(expired, Err(StoreError::Stale(_))));
}

fn device(world: &World, code: u8) -> DeviceCode {
    let public_key = key().public();
    DeviceCode {
        id: id(),
        code_hash: [code; 32],
        public_key,
        host: "box".into(),
        address: "192.0.2.9".into(),
        facts: Json(new_node(world.a.tenant, "box").facts),
        key_words: public_key.id().words(),
        created_at: world.now(),
        expires_at: Timestamp::from_millis(world.now().as_millis() + 60_000),
        attempts: 0,
        state: DeviceState::Pending,
        tenant: None,
        node: None,
        name: None,
    }
}

pub async fn device_codes_are_guessed_in_vain(world: World) {
    let (a, code) = (world.a, device(&world, 1));
    let (kept, code_id) = (code.clone(), code.id);
    write!(world.store, Scope::System, |tx| devices::create(tx, &kept).await).unwrap();
    let (store, again) = (&world.store, device(&world, 1));
    assert!(write!(store, Scope::System, |tx| devices::create(tx, &again).await).is_err(), "codes are unique");
    let find = |guess: u8| async move {
        write!(store, a.scope(), |tx| devices::by_code(tx, &[guess; 32]).await).unwrap().map(|code| code.id)
    };
    assert_eq!(find(1).await, Some(code_id));
    assert_eq!(devices::pending(&world.reader(a)).await.unwrap()[0].id, code_id);
    write!(store, a.scope(), |tx| {
        let node = nodes::create(tx, new_node(a.tenant, "device")).await?;
        devices::approve(tx, code_id, a.tenant, node.id, "device").await
    })
    .unwrap();
    assert_eq!(find(1).await, None, "a decided code is spent");
    assert!(write!(store, world.b.scope(), |tx| devices::deny(tx, code_id).await).is_err());
    assert!(devices::get(&world.reader(world.b), code_id).await.is_err(), "it is a's now");
    write!(store, Scope::System, |tx| devices::spend(tx, code_id).await).unwrap();
    assert!(write!(store, Scope::System, |tx| devices::spend(tx, code_id).await).is_err());
    let other = device(&world, 2);
    let (kept, other) = (other.clone(), other.id);
    write!(store, Scope::System, |tx| devices::create(tx, &kept).await).unwrap();
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(find(2).await, Some(other));
        write!(store, a.scope(), |tx| devices::guessed(tx).await).unwrap();
    }
    assert_eq!(find(2).await, None, "too many guesses end what is pending");
    for gone in [code_id, other] {
        write!(store, Scope::System, |tx| devices::withdraw(tx, gone).await).unwrap();
    }
    assert!(devices::get(&world.system(), other).await.is_err(), "its machine went away");
    assert!(devices::get(&world.system(), code_id).await.is_ok(), "what was decided stays");
}

fn connected(connection: ConnectionId, epoch: u64) -> Connected {
    Connected { connection, join_confirmed: 1, join_pending: 2, agent_version: "0.2.0".into(), epoch }
}

pub async fn connections_and_join_counters(world: World) {
    let (a, store) = (world.a, &world.store);
    let (old, new): (ConnectionId, ConnectionId) = (id(), id());
    for connection in [old, new] {
        write!(store, Scope::System, |tx| nodes::connect(tx, a.node, &connected(connection, 1)).await).unwrap();
    }
    let gone = |connection| async move {
        write!(store, Scope::System, |tx| nodes::disconnect(tx, a.node, connection).await).unwrap()
    };
    assert!(!gone(old).await, "the end of a replaced connection changes nothing");
    let node = nodes::get(&world.system(), a.node).await.unwrap();
    assert_eq!((node.status, node.connection, node.join_pending), (NodeStatus::Online, Some(new), Some(2)));
    write!(store, Scope::System, |tx| nodes::confirm_join(tx, a.node, old).await).unwrap();
    assert_eq!(nodes::get(&world.system(), a.node).await.unwrap().join_confirmed, 1);
    write!(store, Scope::System, |tx| nodes::confirm_join(tx, a.node, new).await).unwrap();
    let node = nodes::get(&world.system(), a.node).await.unwrap();
    assert_eq!((node.join_confirmed, node.join_pending, node.agent_version.as_str()), (2, None, "0.2.0"));
    assert_eq!(nodes::count(&world.system(), NodeStatus::Online).await.unwrap(), 1);
    assert!(gone(new).await);
    assert_eq!(nodes::get(&world.system(), a.node).await.unwrap().status, NodeStatus::Offline);
    write!(store, Scope::System, |tx| nodes::connect(tx, a.node, &connected(new, 1)).await).unwrap();
    assert_eq!(write!(store, Scope::System, |tx| nodes::disconnect_all(tx).await).unwrap().len(), 1);
}

/// What alerts and cards ask about, each inside its scope alone.
pub async fn what_is_in_trouble_or_waits_is_found(world: World) {
    let (a, b, store) = (world.a, world.b, &world.store);
    let troubled = async |scope: Scope| {
        let found = nodes::troubled(&store.read(scope), Timestamp::EPOCH, 9).await.unwrap();
        found.into_iter().map(|node| (node.id, node.disk_full_at)).collect::<Vec<_>>()
    };
    assert_eq!(troubled(a.scope()).await, []);
    write!(store, a.scope(), |tx| nodes::set_disk_full(tx, a.node, true).await).unwrap();
    assert_eq!((troubled(a.scope()).await, troubled(b.scope()).await), (vec![(a.node, Some(world.now()))], vec![]));
    write!(store, a.scope(), |tx| nodes::set_disk_full(tx, a.node, false).await).unwrap();
    assert_eq!(troubled(a.scope()).await, []);

    let down = async |scope: Scope| {
        let found = apps::down(&store.read(scope), 9).await.unwrap();
        found.into_iter().map(|app| app.id).collect::<Vec<_>>()
    };
    let failed = apps::AppChange { state: Some(AppState::Failed), ..Default::default() };
    write!(store, a.scope(), |tx| apps::change(tx, a.app, &failed).await).unwrap();
    assert_eq!(down(a.scope()).await, [], "it has never served");
    let served = apps::AppChange { live_release: Some(Some(id())), ..Default::default() };
    write!(store, a.scope(), |tx| apps::change(tx, a.app, &served).await).unwrap();
    assert_eq!((down(a.scope()).await, down(b.scope()).await), (vec![a.app], vec![]));

    let waiting = async |scope: Scope| runs::waiting_apps(&store.read(scope), a.project).await.unwrap();
    world.run(a).await;
    assert_eq!(waiting(a.scope()).await, [], "a run that is ready waits for nobody");
    for _ in 0..2 {
        let run = Run { state: RunState::Waiting, ..new_run(a, world.now()) };
        write!(store, a.scope(), |tx| runs::insert(tx, &run)).unwrap();
    }
    assert_eq!((waiting(a.scope()).await, waiting(b.scope()).await), (vec![a.app], vec![]));
}

pub async fn names_keys_locks_and_removal(world: World) {
    let (a, store) = (world.a, &world.store);
    let new = new_node(a.tenant, "box");
    let same_key = new.clone();
    let second = write!(store, a.scope(), |tx| nodes::create(tx, new).await).unwrap();
    assert_eq!(second.name, "box-2", "a taken name gets a number");
    assert_eq!(nodes::get(&world.system(), second.id).await.unwrap(), second);
    let twin = write!(store, a.scope(), |tx| nodes::create(tx, same_key).await);
    assert!(matches!(twin, Err(StoreError::Taken(_))), "a key is one node");
    let renamed = write!(store, a.scope(), |tx| nodes::rename(tx, second.id, "box").await);
    assert!(matches!(renamed, Err(StoreError::Taken(_))));
    assert_eq!(nodes::by_key(&world.system(), &second.key_id).await.unwrap().unwrap().id, second.id);
    write!(store, a.scope(), |tx| nodes::lock(tx, second.id, "cloned key").await).unwrap();
    let refused = write!(store, Scope::System, |tx| nodes::connect(tx, second.id, &connected(id(), 1)).await);
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "a locked node stays out");
    write!(store, a.scope(), |tx| nodes::unlock(tx, second.id).await).unwrap();
    assert!(write!(store, a.scope(), |tx| nodes::unlock(tx, second.id).await).is_err());
    let busy = write!(store, a.scope(), |tx| nodes::remove(tx, a.node).await);
    assert!(matches!(busy, Err(StoreError::Tied(_))), "apps live on it");
    write!(store, a.scope(), |tx| apps::delete(tx, a.app).await).unwrap();
    write!(store, a.scope(), |tx| nodes::remove(tx, a.node).await).unwrap();
    assert!(nodes::get(&world.system(), a.node).await.is_err());
    let keys = nodes::keys(&world.system(), a.node).await.unwrap();
    assert!(keys[0].retired_at.is_some(), "its key is remembered as retired");
    assert_eq!(nodes::by_key(&world.system(), &keys[0].key_id).await.unwrap(), None);
}

pub async fn sequence_numbers_have_no_gaps(world: World) {
    let (a, store) = (world.a, &world.store);
    let take = |fails: bool| async move {
        write!(store, Scope::System, |tx| {
            let taken = nodes::reserve_sequence(tx, a.node).await?;
            if fails { Err(StoreError::Stale("run")) } else { Ok((taken.epoch, taken.sequence)) }
        })
    };
    let taken = futures_util::future::join_all((0..40).map(|n| take(n % 4 == 0))).await;
    let taken: Vec<_> = taken.into_iter().filter_map(Result::ok).collect();
    assert_eq!(taken, (1..=30).map(|n| (1, n)).collect::<Vec<_>>(), "failed writes take no number");
    write!(store, Scope::System, |tx| nodes::connect(tx, a.node, &connected(id(), 5)).await).unwrap();
    assert_eq!(take(false).await.unwrap(), (5, 1), "a higher epoch begins anew");
    write!(store, Scope::System, |tx| nodes::connect(tx, a.node, &connected(id(), 3)).await).unwrap();
    assert_eq!(take(false).await.unwrap(), (5, 2), "and is never lowered");
    for (seq, news) in [(3, true), (3, false), (2, false), (4, true)] {
        assert_eq!(write!(store, Scope::System, |tx| nodes::advance_events(tx, a.node, seq).await).unwrap(), news);
    }
}
