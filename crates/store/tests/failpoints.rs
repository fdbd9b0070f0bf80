//! The writer broken at each named point: `cargo nextest run -p sf-store --features failpoints`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use sf_store::testing::TestStore;
use sf_store::{Scope, Store, StoreError, audit, meta};
use sf_types::Fault;

async fn set(store: &Store, value: &'static str) -> sf_store::Result<()> {
    store.write(Scope::System, move |tx| Box::pin(async move { meta::set(tx, "key", value).await })).await
}

async fn get(store: &Store) -> Option<String> {
    meta::get(&store.read(Scope::System), "key").await.unwrap()
}

/// Breaks the point once, then answers what the caller was told and what is stored.
async fn broken(point: &str, action: &str) -> (sf_store::Result<()>, Option<String>, TestStore) {
    let scenario = fail::FailScenario::setup();
    let db = TestStore::sqlite().await.unwrap();
    set(&db.store, "old").await.unwrap();
    fail::cfg(point, action).unwrap();
    let told = set(&db.store, "new").await;
    scenario.teardown();
    // What a restart finds.
    let again = TestStore::at(db.options.clone()).await.unwrap();
    let kept = get(&again.store).await;
    (told, kept, db)
}

#[tokio::test]
async fn a_writer_that_dies_before_commit_stored_nothing() {
    let (told, kept, db) = broken("store::commit::before", "panic").await;
    assert!(matches!(told, Err(StoreError::Closed)));
    assert_eq!(kept.as_deref(), Some("old"));
    db.tasks.shutdown().requested().await;
}

#[tokio::test]
async fn a_writer_that_dies_after_commit_stored_all() {
    for point in ["store::commit::after", "store::reply::before"] {
        let (told, kept, _db) = broken(point, "panic").await;
        assert!(matches!(told, Err(StoreError::Closed)), "the caller is never told what is not known");
        assert_eq!(kept.as_deref(), Some("new"), "{point}");
    }
}

#[tokio::test]
async fn an_io_error_on_commit_poisons_the_writer_for_good() {
    let (told, kept, db) = broken("store::commit::before", "1*return(io)").await;
    assert!(matches!(told, Err(StoreError::Poisoned(_))));
    assert_eq!(kept.as_deref(), Some("old"));
    let later = set(&db.store, "later").await.unwrap_err();
    assert!(matches!(later, StoreError::Poisoned(_)));
    assert!(Fault::from(later).message.contains("injected I/O error"));
    assert_eq!(get(&db.store).await.as_deref(), Some("old"), "reading goes on");
}

#[tokio::test]
async fn a_full_disk_on_commit_is_forgotten_when_a_small_write_succeeds() {
    let (told, kept, db) = broken("store::commit::before", "1*return(full)").await;
    assert!(matches!(told, Err(StoreError::DiskFull)));
    assert_eq!(kept.as_deref(), Some("old"));
    set(&db.store, "later").await.unwrap();
    assert_eq!(get(&db.store).await.as_deref(), Some("later"));
}

#[tokio::test]
async fn a_change_whose_audit_line_cannot_be_written_does_not_happen() {
    let (told, kept, db) = broken("store::audit::write", "1*return").await;
    assert!(told.is_ok() && kept.as_deref() == Some("new"), "a write that says nothing needs no line");
    let scenario = fail::FailScenario::setup();
    fail::cfg("store::audit::write", "1*return").unwrap();
    let audited = |value: &'static str| {
        db.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                meta::set(tx, "key", value).await?;
                tx.audit(line());
                Ok(())
            })
        })
    };
    audited("unseen").await.unwrap_err();
    scenario.teardown();
    assert_eq!(get(&db.store).await.as_deref(), Some("new"), "nothing of it is stored");
    audited("seen").await.unwrap();
    assert_eq!(get(&db.store).await.as_deref(), Some("seen"));
    let head = audit::head(&db.store.read(Scope::System), db.store.instance()).await.unwrap();
    assert_eq!(head.seq, 1, "and its line has no gap before it");
}

fn line() -> audit::Entry {
    audit::Entry {
        tenant: None,
        project: None,
        actor_kind: "system".into(),
        actor_ref: String::new(),
        action: "app.deploy".into(),
        target_kind: "app".into(),
        target_id: "a".into(),
        run: None,
        request: None,
        outcome: "opened".into(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}
