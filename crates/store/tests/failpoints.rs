//! The writer broken at each named point: `cargo nextest run -p sf-store --features failpoints`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use sf_store::testing::TestStore;
use sf_store::{Scope, Store, StoreError, meta};
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
