//! A copy of everything: equal in every row, of one moment, whole or not there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sf_store::audit::Entry;
use sf_store::dump::{Cell, Chains, Loading, Snapshot, Step};
use sf_store::testing::TEST_START;
use sf_store::{Json, Scope, Store, StoreError, StoreOptions, audit, dump, enrol, meta, sessions, tenants};
use sf_types::{InstanceId, SessionId, Timestamp};

use crate::fixture::{self, World, signed};
use crate::write;

type Rows = Vec<(String, Vec<String>, Vec<Vec<Cell>>)>;

/// Everything there is, and how the audit chains end.
async fn read(options: &StoreOptions) -> (Vec<Step>, Rows, Vec<(InstanceId, audit::Head)>) {
    let snapshot = Snapshot::take(options).await.unwrap();
    let (mut all, mut chains) = (Rows::new(), Chains::default());
    for table in snapshot.tables() {
        let mut rows = Vec::new();
        let each = |row: Vec<Cell>| {
            chains.see(&table.name, &table.columns, &row).unwrap();
            rows.push(row);
            Ok::<_, StoreError>(())
        };
        snapshot.rows(table, each).await.unwrap();
        all.push((table.name.clone(), table.columns.clone(), rows));
    }
    let steps = snapshot.steps().to_vec();
    snapshot.end().await.unwrap();
    (steps, all, chains.finish().unwrap())
}

async fn load(to: &StoreOptions, steps: &[Step], rows: Rows, aside: Option<&str>) -> sf_store::Result<()> {
    let mut loading = Loading::begin(to, steps, aside, TEST_START).await?;
    for (table, columns, rows) in rows {
        loading.table(&table, &columns).await?;
        for row in rows {
            loading.row(row).await?;
        }
    }
    loading.finish(TEST_START, TEST_START).await
}

/// As sets, JSON by its meaning, without the mark of a restore.
fn meaning(rows: &Rows) -> BTreeSet<String> {
    let plain = |cell: &Cell| match cell {
        Cell::Text(text) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => format!("{:?}", sorted(value)),
            Err(_) => format!("{text:?}"),
        },
        other => format!("{other:?}"),
    };
    let line = |(table, columns, row): (&String, &Vec<String>, &Vec<Cell>)| {
        let mut cells: Vec<_> = columns.iter().zip(row).map(|(name, cell)| format!("{name}={}", plain(cell))).collect();
        cells.sort();
        format!("{table}: {}", cells.join(", "))
    };
    let marked = format!("{:?}", dump::RESTORED);
    let all = rows.iter().flat_map(|(table, columns, rows)| rows.iter().map(move |row| (table, columns, row)));
    all.map(line).filter(|line| !line.starts_with("meta: ") || !line.contains(&marked)).collect()
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        serde_json::Value::Array(values) => values.into_iter().map(sorted).collect::<Vec<_>>().into(),
        other => other,
    }
}

fn fresh() -> (tempfile::TempDir, StoreOptions) {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::new(format!("sqlite://{}/copy.db", folder.path().display()));
    (folder, options)
}

/// Names out of the steps' own texts.
fn tables_of_the_steps() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/migrate");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "sql"));
    files.sort();
    let mut tables = BTreeSet::from(["schema_migrations".to_owned()]);
    for path in files {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<_> = line.trim_end_matches(';').split_whitespace().collect();
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => drop(tables.insert((*name).to_owned())),
                ["DROP", "TABLE", name] => assert!(tables.remove(*name), "{name}"),
                ["ALTER", "TABLE", name, "RENAME", "TO", to] => {
                    assert!(tables.remove(*name), "{name}");
                    tables.insert((*to).to_owned());
                }
                _ => {}
            }
        }
    }
    tables
}

pub async fn every_table_is_in_a_copy_and_every_row_equal(world: World) {
    let run = world.run(world.a).await;
    world.command(&run).await;
    write!(world.store, Scope::System, |tx| {
        tx.audit(entry("one"));
        meta::set(tx, "odd", "\u{1f600} 'quoted' \"twice\" \\ {}").await
    })
    .unwrap();
    let (steps, rows, chains) = read(&world.db.options).await;
    assert_eq!(rows.iter().map(|(table, ..)| table.clone()).collect::<BTreeSet<_>>(), tables_of_the_steps());
    for table in ["tenants", "users", "nodes", "apps", "runs", "commands", "activity_logs", "audit_heads"] {
        assert!(rows.iter().any(|(name, _, rows)| name == table && !rows.is_empty()), "{table} is empty");
    }
    let (_folder, copy) = fresh();
    load(&copy, &steps, rows.clone(), None).await.unwrap();
    let (_, copied, again) = read(&copy).await;
    assert_eq!(meaning(&copied), meaning(&rows));
    assert_eq!(again, chains);
    // Whoever is in the way is named, and stays.
    let taken = load(&copy, &steps, copied.clone(), None).await.unwrap_err();
    assert!(matches!(&taken, StoreError::Refused(fault) if fault.code == "restore.not_empty"), "{taken}");
    if world.db.folder().is_some() {
        return;
    }
    // And back into PostgreSQL, with what was there moved aside.
    let used = load(&world.db.options, &steps, copied.clone(), Some("aside")).await.unwrap_err();
    assert!(matches!(&used, StoreError::Refused(fault) if fault.code == "restore.in_use"), "{used}");
    // Its connections are gone a moment after their pool.
    let options = world.db.options.clone();
    drop(world);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        match load(&options, &steps, copied.clone(), Some("aside")).await {
            Ok(()) => break,
            Err(StoreError::Refused(fault)) if fault.code == "restore.in_use" => {
                assert!(std::time::Instant::now() < deadline, "its connections do not go");
            }
            Err(error) => panic!("{error}"),
        }
    }
    let (_, back, chains_back) = read(&options).await;
    assert_eq!(meaning(&back), meaning(&rows));
    assert_eq!(chains_back, chains);
}

fn entry(action: &str) -> Entry {
    Entry {
        tenant: None,
        project: None,
        actor_kind: "system".to_owned(),
        actor_ref: "test".to_owned(),
        action: action.to_owned(),
        target_kind: "test".to_owned(),
        target_id: "x".to_owned(),
        run: None,
        request: None,
        outcome: "succeeded".to_owned(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}

pub async fn a_copy_made_beside_64_writers_is_of_one_moment(world: World) {
    let (store, stop) = (world.store.clone(), Arc::new(AtomicBool::new(false)));
    let writing = futures_util::future::join_all((0..64).map(|_| keeps_writing(&store, &stop)));
    let reading = async {
        // Until four of them show that writers went on between them.
        type Copied = (Vec<Step>, Rows, Vec<(InstanceId, audit::Head)>);
        let mut copies: Vec<Copied> = Vec::new();
        while copies.len() < 4 {
            let copy = read(&world.db.options).await;
            if !copy.2.is_empty() && copies.last().is_none_or(|last| last.2 != copy.2) {
                copies.push(copy);
            }
        }
        stop.store(true, Ordering::SeqCst);
        copies
    };
    let (written, copies) = futures_util::join!(writing, reading);
    let written: u64 = written.into_iter().sum();
    let lines: Vec<u64> = copies.iter().map(|(_, _, chains)| chains.first().map_or(0, |(_, head)| head.seq)).collect();
    assert!(lines.windows(2).all(|two| two[0] < two[1]), "{lines:?}");
    assert!(written >= *lines.last().unwrap(), "{written} {lines:?}");
    for (steps, rows, chains) in copies {
        let count = |table: &str| rows.iter().find(|(name, ..)| name == table).map_or(0, |(.., rows)| rows.len());
        // Two tenants with a project each come from the world, all others with their line.
        let lines = usize::try_from(chains.first().map_or(0, |(_, head)| head.seq)).unwrap();
        assert_eq!((count("tenants"), count("projects"), count("activity_logs")), (lines + 2, lines + 2, lines));
        let (_folder, copy) = fresh();
        load(&copy, &steps, rows, None).await.unwrap();
    }
}

async fn keeps_writing(store: &Store, stop: &AtomicBool) -> u64 {
    let mut written = 0;
    while !stop.load(Ordering::SeqCst) {
        let wrote = write!(store, Scope::System, |tx| {
            tenants::create(tx, "many").await?;
            tx.audit(entry("tenant.create"));
            Ok(())
        });
        wrote.unwrap();
        written += 1;
    }
    written
}

/// Retention cut the beginning of the chain: a checkpoint vouches for where it begins, in the copy as well.
pub async fn a_chain_that_was_pruned_is_copied_and_one_whose_beginning_is_missing_refused(world: World) {
    let instance = world.store.instance();
    for _ in 0..12 {
        write!(world.store, Scope::System, |tx| {
            tx.audit(entry("one"));
            Ok(())
        })
        .unwrap();
    }
    let head = audit::head(&world.system(), instance).await.unwrap();
    let (_, whole, _) = read(&world.db.options).await;
    for cut in [5, head.seq] {
        let line = audit::line(&world.system(), instance, cut).await.unwrap().unwrap();
        let at = world.now();
        let kept = audit::Checkpoint { instance, size: cut, hash: line.entry_hash, at, signed: Json(signed("c")) };
        world.write(move |tx| Box::pin(async move { audit::add_checkpoint(tx, &kept).await })).await.unwrap();
        let prune = || world.write(move |tx| Box::pin(async move { audit::prune(tx, instance, cut, 100).await }));
        while prune().await.unwrap() > 0 {}
        let (steps, rows, chains) = read(&world.db.options).await;
        assert!(chains.iter().all(|(_, end)| *end == head), "{chains:?}");
        let (_folder, copy) = fresh();
        load(&copy, &steps, rows.clone(), None).await.unwrap();
        let (_, copied, again) = read(&copy).await;
        assert_eq!((meaning(&copied), again), (meaning(&rows), chains));
        // Without the checkpoint nothing says that the lines are rightly gone.
        let unvouched = rows.into_iter().filter(|(table, ..)| table != "audit_checkpoints").collect();
        assert!(followed(&unvouched).is_err(), "cut at {cut}");
    }
    // A line taken out of the middle is no pruning.
    let mut torn = whole;
    for (table, _, rows) in &mut torn {
        if table == "activity_logs" {
            rows.remove(6);
        }
    }
    assert!(followed(&torn).is_err());
}

fn followed(rows: &Rows) -> Result<Vec<(InstanceId, audit::Head)>, audit::FirstBad> {
    let mut chains = Chains::default();
    for (table, columns, rows) in rows {
        for row in rows {
            chains.see(table, columns, row)?;
        }
    }
    chains.finish()
}

pub async fn what_is_not_finished_is_not_there(world: World) {
    let (steps, rows, _) = read(&world.db.options).await;
    let (_folder, copy) = fresh();
    let mut loading = Loading::begin(&copy, &steps, None, TEST_START).await.unwrap();
    for (table, columns, rows) in rows.clone() {
        loading.table(&table, &columns).await.unwrap();
        for row in rows {
            loading.row(row).await.unwrap();
        }
    }
    drop(loading);
    let nothing = Snapshot::take(&copy).await.unwrap_err();
    assert!(nothing.to_string().contains("empty"), "{nothing}");
    // A row that refers to nothing is refused, and with it everything.
    let mut broken = rows.clone();
    for (table, _, rows) in &mut broken {
        if table == "tenants" {
            rows.pop();
        }
    }
    let tied = load(&copy, &steps, broken, None).await.unwrap_err();
    assert!(matches!(tied, StoreError::Tied(_)), "{tied}");
    for wrong in [vec![Cell::Int(1)], vec![Cell::Int(1), Cell::Int(2)]] {
        let columns = vec!["key".to_owned(), "value".to_owned()];
        let refused = load(&copy, &steps, vec![("meta".into(), columns, vec![wrong])], None).await.unwrap_err();
        assert!(matches!(refused, StoreError::Malformed(_)), "{refused}");
    }
    for (table, column) in [("nothing", "x"), ("meta", "x"), ("meta\"; DROP TABLE meta; --", "key")] {
        let refused = load(&copy, &steps, vec![(table.into(), vec![column.into()], vec![])], None).await.unwrap_err();
        assert!(matches!(refused, StoreError::Schema(_)), "{refused}");
    }
    load(&copy, &steps, rows, None).await.unwrap();
}

pub async fn older_copies_are_brought_up_to_date_and_newer_refused(world: World) {
    let (steps, rows, _) = read(&world.db.options).await;
    let (_folder, copy) = fresh();
    // As the first version left it: its ledger, and tables with the columns that they had then.
    let mut old: Rows = rows.clone().into_iter().filter(|(name, ..)| name == "meta").collect();
    let (_, columns, teams) = rows.iter().find(|(name, ..)| name == "tenants").unwrap();
    let then = ["id", "name", "created_at"].map(|name| columns.iter().position(|column| column == name).unwrap());
    let first = |row: &Vec<Cell>| then.iter().map(|at| row[*at].clone()).collect();
    let columns = then.iter().map(|at| columns[*at].clone()).collect();
    old.push(("tenants".to_owned(), columns, teams.iter().map(first).collect()));
    let ledger = rows.iter().find(|(name, ..)| name == "schema_migrations").unwrap();
    let first = ledger.2.iter().filter(|row| row.contains(&Cell::Int(1))).take(1).cloned().collect();
    old.push((ledger.0.clone(), ledger.1.clone(), first));
    load(&copy, &steps[..1], old, None).await.unwrap();
    let (now, migrated, _) = read(&copy).await;
    assert_eq!(now, steps);
    assert!(migrated.iter().any(|(name, ..)| name == "user_roles"), "a table of a later step");
    let mut newer = steps.clone();
    newer.push(Step { version: 999, name: "x".into(), checksum: "x".into() });
    let (_folder, copy) = fresh();
    let refused = load(&copy, &newer, rows, None).await.unwrap_err();
    assert!(refused.to_string().contains("step 999"), "{refused}");
}

pub async fn what_was_open_is_ended(world: World) {
    let (side, now) = (world.a, world.now());
    let later = Timestamp::from_millis(now.as_millis() + 3_600_000);
    let token = enrol::EnrolToken {
        id: fixture::id(),
        tenant: side.tenant,
        verifier: [1; 32],
        name: None,
        created_by: None,
        created_at: now,
        expires_at: later,
        used_at: None,
        node: None,
    };
    let session = sessions::Session {
        id: fixture::id::<SessionId>(),
        tenant: side.tenant,
        user: side.user,
        kind: sessions::SessionKind::Browser,
        generation: 1,
        current_hash: [1; 32],
        previous_hash: None,
        previous_valid_until: None,
        created_at: now,
        last_used_at: now,
        idle_expires_at: later,
        expires_at: later,
        revoked_at: None,
        revoke_reason: None,
        user_agent_family: None,
        ip: None,
    };
    let id = token.id;
    write!(world.store, Scope::System, |tx| {
        enrol::create(tx, &token).await?;
        sessions::create(tx, &session).await
    })
    .unwrap();
    assert_eq!(sessions::of_user(&world.system(), side.user).await.unwrap().len(), 1);
    let refused = write!(world.store, side.scope(), |tx| dump::end_what_was_open(tx).await);
    assert!(matches!(refused, Err(StoreError::OutOfScope(_))), "{refused:?}");
    let ended = write!(world.store, Scope::System, |tx| dump::end_what_was_open(tx).await).unwrap();
    assert_eq!(ended[..3], [("sessions", 1), ("enrol_tokens", 1), ("device_codes", 0)]);
    assert!(ended[3..].iter().all(|(_, rows)| *rows == 0), "{ended:?}");
    assert_eq!(sessions::of_user(&world.system(), side.user).await.unwrap().len(), 0);
    let used = write!(world.store, Scope::System, |tx| enrol::consume(tx, id).await);
    assert!(matches!(used, Err(StoreError::Stale(_))), "{used:?}");
}
