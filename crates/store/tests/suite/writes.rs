//! The writer: what is answered is stored, and what fails takes back itself and nothing else.

use sf_store::events::{self, EventFilter, NewEvent};
use sf_store::testing::TestStore;
use sf_store::{Look, Scope, Store, StoreError, StoreOptions, audit, meta, tenants};
use sf_types::{ErrorKind, Fault};

use crate::fixture::World;
use crate::write;

fn no() -> StoreError {
    Fault::new(ErrorKind::Conflict, "test.no", "No.").into()
}

/// Whether `key` has this value.
async fn holds(world: &World, key: &str, value: Option<&str>) {
    assert_eq!(meta::get(&world.system(), key).await.unwrap().as_deref(), value, "{key}");
}

pub async fn an_error_takes_back_its_own_changes_only(world: World) {
    let store = &world.store;
    let set = |key: &'static str, fails: bool| async move {
        write!(store, Scope::System, |tx| {
            meta::set(tx, key, "x").await?;
            if fails { Err(no()) } else { Ok(()) }
        })
    };
    // All are queued before the first is polled to its end, so that they share batches.
    let (one, two, three) = futures_util::join!(set("one", false), set("two", true), set("three", false));
    assert!(one.is_ok() && three.is_ok());
    assert!(matches!(two, Err(StoreError::Refused(fault)) if fault.code == "test.no"));
    holds(&world, "one", Some("x")).await;
    holds(&world, "two", None).await;
    holds(&world, "three", Some("x")).await;
    // An error of the database itself, too.
    let tenant = world.a.tenant;
    let twice = write!(store, Scope::System, |tx| {
        meta::set(tx, "four", "x").await?;
        sf_store::users::create(tx, tenant, "A@Example.org", "again").await
    });
    assert!(matches!(twice, Err(StoreError::Taken(_))), "{twice:?}");
    holds(&world, "four", None).await;
}

pub async fn a_panic_takes_back_its_own_changes_only(world: World) {
    let store = &world.store;
    let good = async { write!(store, Scope::System, |tx| meta::set(tx, "good", "x").await) };
    let bad = async {
        write!(store, Scope::System, |tx| {
            meta::set(tx, "bad", "x").await?;
            assert!(tx_is_empty(), "on purpose");
            Ok(())
        })
    };
    let (good, bad) = futures_util::join!(good, bad);
    assert!(good.is_ok());
    assert!(matches!(bad, Err(StoreError::Panicked)));
    holds(&world, "good", Some("x")).await;
    holds(&world, "bad", None).await;
}

fn tx_is_empty() -> bool {
    false
}

/// A late change runs when somebody looks at its table, which may be another write of the batch. What that one makes of the failure
/// is its own affair: who is told that it is stored has it stored.
pub async fn a_late_change_that_fails_in_anothers_look_is_told_to_its_own_write(world: World) {
    let (store, run) = (&world.store, world.run(world.a).await);
    let scope = world.a.scope();
    let (id, other) = (run.id, crate::fixture::new_run(world.a, world.now()));
    let twice = async { write!(store, scope, |tx| sf_store::runs::insert(tx, &run)) };
    let careless = async {
        write!(store, scope, |tx| {
            let seen = sf_store::runs::get(tx, id).await.is_ok();
            Ok(seen)
        })
    };
    let new = other.clone();
    let late = async { write!(store, scope, |tx| sf_store::runs::insert(tx, &new)) };
    let (late, twice, careless) = futures_util::join!(late, twice, careless);
    assert!(matches!(twice, Err(StoreError::Taken(_))), "{twice:?}");
    assert!(careless.unwrap(), "the run that was there is seen");
    late.unwrap();
    assert_eq!(sf_store::runs::get(&world.reader(world.a), other.id).await.unwrap().id, other.id);
}

pub async fn many_writers_share_commits_and_none_is_lost(world: World) {
    let store = &world.store;
    let writes = (0..300).map(|_| async move {
        write!(store, Scope::System, |tx| {
            let before = meta::get(tx, "count").await?.map_or(0, |text| text.parse::<u32>().unwrap());
            meta::set(tx, "count", &(before + 1).to_string()).await?;
            Ok(before)
        })
    });
    let seen = futures_util::future::join_all(writes).await;
    let mut seen: Vec<u32> = seen.into_iter().map(Result::unwrap).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..300).collect::<Vec<_>>(), "each saw all before it");
    holds(&world, "count", Some("300")).await;
}

pub async fn a_write_beside_failing_ones_is_done_once(world: World) {
    let (store, runs) = (&world.store, std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0)));
    let writes = (0..40_u32).map(|n| {
        let runs = runs.clone();
        async move {
            write!(store, Scope::System, |tx| {
                runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let before = meta::get(tx, "count").await?.map_or(0, |text| text.parse::<u32>().unwrap());
                meta::set(tx, "count", &(before + 1).to_string()).await?;
                if n % 10 == 9 { Err(no()) } else { Ok(tx.scope() == Scope::System) }
            })
        }
    });
    let told = futures_util::future::join_all(writes).await;
    assert_eq!(told.iter().filter(|told| matches!(told, Ok(true))).count(), 36);
    holds(&world, "count", Some("36")).await;
    assert!(runs.load(std::sync::atomic::Ordering::SeqCst) > 40, "some ran again, and it cannot be seen");
}

pub async fn unawaited_writes_ride_before_later_ones(world: World) {
    for n in 0..10 {
        let text = n.to_string();
        world
            .store
            .write_unawaited(Scope::System, move |tx| Box::pin(async move { meta::set(tx, "sent", &text).await }))
            .await;
    }
    world.store.write_unawaited(Scope::System, |_| Box::pin(async { Err(no()) })).await;
    let seen = write!(world.store, Scope::System, |tx| meta::get(tx, "sent").await).unwrap();
    assert_eq!(seen.as_deref(), Some("9"));
}

pub async fn readers_cannot_write(world: World) {
    let others = meta::get(&world.reader(world.a), "instance").await;
    assert!(matches!(others, Err(StoreError::OutOfScope(_))), "the installation's facts are the system's");
    // The type system already refuses; this is the database's own refusal underneath.
    if world.db.folder().is_some() {
        let refused = sf_store::testing::write_through_reader(&world.system()).await.unwrap_err();
        assert!(refused.to_string().contains("readonly") || refused.to_string().contains("read-only"), "{refused}");
    }
}

pub async fn a_full_disk_refuses_writes_and_recovers(world: World) {
    if world.db.folder().is_none() {
        return;
    }
    let (store, big) = (&world.store, "x".repeat(1 << 20));
    sf_store::testing::forge(store, "PRAGMA max_page_count = 1").await;
    let full = write!(store, Scope::System, |tx| meta::set(tx, "big", &big).await);
    assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
    assert_eq!(Fault::from(full.unwrap_err()).code, "store.disk_full");
    holds(&world, "big", None).await;
    // The limit was the connection's; a fresh one finds space, proves it by a small write, and goes on.
    store.probe().await.unwrap();
    write!(store, Scope::System, |tx| meta::set(tx, "small", "x").await).unwrap();
    holds(&world, "small", Some("x")).await;
}

pub async fn a_closed_store_says_so(world: World) {
    let World { db, store, .. } = world;
    assert!(db.tasks.stop(std::time::Duration::from_secs(10)).await, "the writer ends by itself");
    let late = write!(store, Scope::System, |tx| meta::set(tx, "late", "x").await);
    assert!(matches!(late, Err(StoreError::Closed)));
    let again = TestStore::at(db.options.clone()).await.unwrap();
    assert_eq!(again.store.instance(), store.instance(), "the database knows which control plane it is");
    assert_eq!(tenants::all(&again.store.read(Scope::System)).await.unwrap().len(), 2);
}

pub async fn schema_is_applied_once_and_guarded(world: World) {
    let again = TestStore::at(world.db.options.clone()).await.unwrap();
    drop(again);
    sf_store::testing::forge(&world.store, "UPDATE schema_migrations SET checksum = 'x'").await;
    let error = TestStore::at(world.db.options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("another text"), "{error}");
    let newer = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (999, 'x', 'x', 0)";
    sf_store::testing::forge(&world.store, "DELETE FROM schema_migrations").await;
    sf_store::testing::forge(&world.store, newer).await;
    let error = TestStore::at(world.db.options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("step 999"), "{error}");
    for url in ["mysql://x/y", "nonsense", "postgres://127.0.0.1:1/none?connect_timeout=1"] {
        assert!(matches!(open(url).await, Err(StoreError::Open(_))), "{url}");
    }
}

async fn open(url: &str) -> sf_store::Result<Store> {
    let (clock, rng) = (sf_runtime::Clock::system(), sf_runtime::Rng::system());
    Store::open(&StoreOptions::new(url), clock, rng, &sf_runtime::Tasks::new()).await
}

pub async fn nothing_said_by_a_failed_write_is_stored(world: World) {
    let tenant = world.a.tenant;
    let event = move |name: &str| NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec!["runs".into()],
        name: name.into(),
        data: "{}".into(),
    };
    let said = write!(world.store, Scope::System, |tx| {
        tx.publish(event("kept"));
        Ok(())
    });
    said.unwrap();
    let failed: sf_store::Result<()> = write!(world.store, Scope::System, |tx| {
        tx.publish(event("lost"));
        Err(no())
    });
    failed.unwrap_err();
    let (events, _) = events::after(&world.system(), 0, &EventFilter::default(), 10).await.unwrap();
    assert_eq!(events.iter().map(|stored| stored.event.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    assert_eq!(audit::head(&world.system(), world.store.instance()).await.unwrap().seq, 0);
}
