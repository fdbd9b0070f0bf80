//! The one promise of a scope: what is outside it can neither be seen nor changed.

use sf_actions::role::{RoleRef, built_in};
use sf_actions::{ObjectRef, Permission};
use sf_protocol::report::{LogLine, LogSource, LogStream, Stream, SystemLog};
use sf_store::approvals::{self, Approval, ApprovalState, Verdict};
use sf_store::apps::AppChange;
use sf_store::audit::{self, ActivityFilter, Entry};
use sf_store::devices;
use sf_store::enrol::{self, EnrolToken};
use sf_store::events::{self, EventFilter, NewEvent};
use sf_store::idempotency::{self, Begin};
use sf_store::logs::LogOwner;
use sf_store::sessions::{self, Rotation, Session, SessionKind};
use sf_store::timeline::{self, Moment, MomentKind};
use sf_store::tokens::{self, Token};
use sf_store::{
    Json, Look, Scope, StoreError, apps, commands, factors, grants, logs, metrics, nodes, outbox, permissions,
    releases, roles, runs, tenants, users,
};
use sf_types::{PageRequest, ReleaseId, RoleId, RunId, Timestamp};

mod covered;

pub use covered::every_table_with_a_tenant_is_covered;

use crate::fixture::{Side, World, id, new_node, new_run};
use crate::write;

/// A change that must not be made.
static CHANGED: roles::RoleChange =
    roles::RoleChange { name: None, description: Some(String::new()), permissions: None };

/// One more of everything for a side.
#[derive(Clone, Debug)]
struct Everything {
    session: Session,
    token: Token,
    enrol: EnrolToken,
    release: ReleaseId,
    run: RunId,
    command: sf_types::CommandId,
    approval: Approval,
    log: LogSource,
    role: RoleId,
}

async fn fill(world: &World, side: Side) -> Everything {
    let run = world.run(side).await;
    let command = world.command(&run).await;
    let (now, later) = (world.now(), Timestamp::from_millis(world.now().as_millis() + 60_000));
    let release = id();
    let role = write!(world.store, side.scope(), |tx| {
        Ok(roles::create(tx, side.tenant, "crew", "for tests", &[Permission::AppView]).await?.id)
    })
    .unwrap();
    let everything = Everything {
        role,
        session: session(side, now, later),
        token: token(side, now, later),
        enrol: enrol_token(side, now, later),
        release,
        run: run.id,
        command: command.id,
        approval: approval(side, run.id, now, later),
        log: LogSource::Run { run: run.id },
    };
    let all = everything.clone();
    write!(world.store, side.scope(), |tx| {
        users::set_password(tx, side.user, "hash").await?;
        permissions::grant(tx, side.user, &[Permission::AppView]).await?;
        grants::give(tx, side.user, RoleRef::Own(all.role), ObjectRef::TENANT, None).await?;
        grants::give(tx, side.user, RoleRef::BuiltIn(built_in::owner()), ObjectRef::TENANT, None).await?;
        sessions::create(tx, &all.session).await?;
        tokens::create(tx, &all.token).await?;
        enrol::create(tx, &all.enrol).await?;
        releases::create(tx, all.release, side.app, all.run, None, None).await?;
        let applied = Some(sf_engine::plan::app_spec(&apps::facts(tx, side.app).await?));
        let live = AppChange { live_release: Some(Some(all.release)), applied, ..AppChange::default() };
        apps::change(tx, side.app, &live).await?;
        approvals::open(tx, &all.approval).await?;
        let moment = Moment { at: now, kind: MomentKind::Proposed, step: None, state: None, note: "asked".into() };
        timeline::append(tx, &run, &[moment])?;
        idempotency::begin(tx, "u", "k", &[1; 32]).await?;
        outbox::push(tx, "lane", "kind", serde_json::json!({}), now);
        let owner = LogOwner { tenant: side.tenant, project: Some(side.project), app: Some(side.app) };
        logs::append(tx, owner, &lines(all.log)).await?;
        let (node, apps, servers) = Default::default();
        let sample = SystemLog { at: now, node, apps, servers, held: None };
        metrics::append(tx, side.node, &[sample]).await?;
        tx.publish(NewEvent {
            tenant: Some(side.tenant),
            project: Some(side.project),
            topics: vec![format!("run:{}", all.run)],
            name: "run.update".into(),
            data: "{}".into(),
        });
        tx.audit(line(side));
        Ok(())
    })
    .unwrap();
    everything
}

/// Everything of `side` as seen through `at`, as text: to compare before and after.
async fn view(at: &impl Look, side: Side, all: &Everything) -> Vec<String> {
    let page = PageRequest::default();
    macro_rules! seen {
        ($($call:expr),* $(,)?) => { vec![$(match $call.await {
            Err(StoreError::NotFound(_)) => "nothing".to_owned(),
            other => strip(format!("{:?}", other.unwrap())),
        }),*] };
    }
    seen![
        tenants::get(at, side.tenant),
        users::get(at, side.user),
        users::by_email(at, "a@example.org"),
        users::password(at, side.user),
        permissions::of_user(at, side.user),
        grants::of_user(at, side.user),
        grants::owners(at, side.tenant),
        grants::holders(at, 10),
        grants::count_at(at, ObjectRef::TENANT),
        roles::get(at, all.role),
        sessions::get(at, all.session.id),
        sessions::of_user(at, side.user),
        tokens::get(at, all.token.id),
        tokens::of_user(at, side.user, None),
        nodes::get(at, side.node),
        nodes::keys(at, side.node),
        enrol::get(at, all.enrol.id),
        apps::get(at, side.app),
        apps::of_node(at, side.node),
        apps::facts(at, side.app),
        apps::applied(at, side.node),
        apps::names(at, &[side.app]),
        releases::get(at, all.release),
        releases::page(at, side.app, &page),
        releases::kept(at, side.app),
        runs::record(at, all.run),
        runs::open_for_node(at, side.node),
        runs::open_for_app(at, side.app),
        runs::opened_since(at, Some(side.user), Timestamp::EPOCH, 9),
        runs::signed_command(at, all.run),
        timeline::of_run(at, all.run),
        commands::get(at, all.command),
        commands::of_run(at, all.run),
        commands::backlog(at, side.node, 1, 1, 10),
        commands::highest(at, side.node, 1),
        approvals::get(at, all.approval.id),
        approvals::of_run(at, all.run),
        approvals::open_of_run(at, all.run),
        logs::cursor(at, all.log),
        logs::tail(at, all.log, 10),
        logs::after(at, all.log, 0, 10),
        logs::search(at, all.log, "line", 0, 10),
        logs::cursors_of_app(at, side.app),
        metrics::latest_of_node(at, side.node),
        metrics::latest_of_nodes(at, &[side.node]),
        metrics::latest_of_app(at, side.app),
    ]
}

/// Empty answers in all their forms look the same.
fn strip(text: String) -> String {
    let empty = ["[]", "{}", "None", "0", "Page { items: [], next: None }", "Record { good: 0, bad: 0 }"];
    if empty.contains(&text.as_str()) { "nothing".to_owned() } else { text }
}

pub async fn another_tenant_sees_and_changes_nothing(world: World) {
    let (a, b) = (world.a, world.b);
    let all = fill(&world, a).await;
    let before = view(&world.reader(a), a, &all).await;
    assert!(before.iter().filter(|text| *text == "nothing").count() <= 3, "{before:#?}");
    for (n, text) in view(&world.reader(b), a, &all).await.iter().enumerate() {
        assert_eq!(text, "nothing", "question {n} shows another tenant's {}", before[n]);
    }
    lists_show_nothing(&world, &all).await;
    let now = world.now();
    let theirs = all.clone();
    // Each attempt under the other tenant's scope must fail or meet no row.
    macro_rules! refused {
        ($($call:ident :: $verb:ident ( $($arg:expr),* )),* $(,)?) => {$({
            let all = theirs.clone();
            let met = write!(world.store, b.scope(), |tx| {
                let all = all.clone();
                Ok(format!("{:?}", $call::$verb(tx, $($arg(&all, a, now)),*).await.map_err(|error| match error {
                    StoreError::NotFound(_) | StoreError::Stale(_) | StoreError::OutOfScope(_) => "refused",
                    other => panic!("{other}"),
                })))
            }).unwrap();
            assert!(
                ["Err(\"refused\")", "Ok(false)", "Ok(0)", "Ok(())", "Ok(None)"].contains(&met.as_str()),
                concat!(stringify!($call), "::", stringify!($verb), " met {}"), met
            );
        })*};
    }
    type All = Everything;
    refused![
        users::set_password(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| "stolen"),
        users::give_password(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| "stolen", |_: &All, _: Side, now| now),
        users::hold_password(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| Some("hash")),
        factors::forget_begun(|_: &All, a: Side, _| a.user),
        users::signed_in(|_: &All, a: Side, _| a.user),
        users::set_disabled(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| true),
        permissions::grant(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| &[Permission::AppDelete]),
        permissions::withdraw(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| &[Permission::AppView]),
        sessions::revoke(|all: &All, _: Side, _| all.session.id, |_: &All, _: Side, _| "x"),
        sessions::revoke_all(|_: &All, a: Side, _| a.user, |_: &All, _: Side, _| None, |_: &All, _: Side, _| "x"),
        tokens::revoke(|all: &All, _: Side, _| all.token.id),
        tokens::used(|all: &All, _: Side, _| all.token.id, |_: &All, _: Side, _| Some("192.0.2.9")),
        roles::delete(|all: &All, _: Side, _| all.role),
        grants::give(
            |_: &All, a: Side, _| a.user,
            |_: &All, _: Side, _| RoleRef::BuiltIn(built_in::owner()),
            |_: &All, _: Side, _| ObjectRef::TENANT,
            |_: &All, _: Side, _| None
        ),
        grants::forget_person(|_: &All, a: Side, _| a.user),
        grants::forget_object(|_: &All, _: Side, _| ObjectRef::TENANT),
        tenants::lock(|_: &All, a: Side, _| a.tenant),
        tenants::rename(|_: &All, a: Side, _| a.tenant, |_: &All, _: Side, _| "stolen"),
        tenants::rename_project(|_: &All, a: Side, _| a.project, |_: &All, _: Side, _| "stolen"),
        tenants::delete_project(|_: &All, a: Side, _| a.project),
        enrol::consume(|all: &All, _: Side, _| all.enrol.id),
        enrol::made(|all: &All, _: Side, _| all.enrol.id, |_: &All, a: Side, _| a.node),
        nodes::rename(|_: &All, a: Side, _| a.node, |_: &All, _: Side, _| "stolen"),
        nodes::lock(|_: &All, a: Side, _| a.node, |_: &All, _: Side, _| "x"),
        nodes::seen(|_: &All, a: Side, _| a.node),
        nodes::set_disk_full(|_: &All, a: Side, _| a.node, |_: &All, _: Side, _| true),
        nodes::reserve_sequence(|_: &All, a: Side, _| a.node),
        nodes::advance_events(|_: &All, a: Side, _| a.node, |_: &All, _: Side, _| 9),
        apps::set_desired(|_: &All, a: Side, _| a.app, |_: &All, _: Side, _| apps::Desired::Stopped),
        apps::delete(|_: &All, a: Side, _| a.app),
        releases::set_state(|all: &All, _: Side, _| all.release, |_: &All, _: Side, _| releases::ReleaseState::Gone),
        apps::next_generation(|_: &All, a: Side, _| a.app),
        commands::mark_void(|all: &All, _: Side, _| all.command),
        approvals::end(|all: &All, _: Side, _| all.run, |_: &All, _: Side, _| ApprovalState::Withdrawn),
        audit::erase_person(|_: &All, _: Side, _| "someone"),
    ];
    more_attempts(&world, &all).await;
    assert_eq!(view(&world.reader(a), a, &all).await, before, "nothing changed");
}

/// Attempts that take more than ids.
async fn more_attempts(world: &World, all: &Everything) {
    let (a, b) = (world.a, world.b);
    let (now, mine) = (world.now(), all.clone());
    write!(world.store, b.scope(), |tx| {
        let rotation = Rotation {
            from_generation: 1,
            current_hash: [7; 32],
            previous_hash: [8; 32],
            previous_valid_until: now,
            idle_expires_at: now,
        };
        assert!(matches!(sessions::rotate(tx, mine.session.id, &rotation).await, Err(StoreError::Stale(_))));
        assert_eq!(commands::under_way(tx, None, mine.command).await?, None);
        let moments = timeline::of_run(tx, mine.run).await?;
        assert_eq!(moments, []);
        let decided = approvals::decide(tx, mine.approval.id, &mine.approval.hash, Verdict::Approved, b.user, None);
        assert!(matches!(decided.await, Err(StoreError::Stale(_))));
        tx.set_scope(Scope::System);
        let mut run = runs::get(tx, mine.run).await?;
        run.version += 1;
        tx.set_scope(b.scope());
        let moment = Moment { at: now, kind: MomentKind::Note, step: None, state: None, note: "x".into() };
        assert!(matches!(timeline::append(tx, &run, &[moment]), Err(StoreError::OutOfScope(_))));
        assert!(matches!(runs::update(tx, &run, None).await, Err(StoreError::Stale(_))));
        assert!(matches!(roles::change(tx, mine.role, &CHANGED).await, Err(StoreError::NotFound(_))));
        assert_eq!(idempotency::begin(tx, "u", "k", &[1; 32]).await?, Begin::New, "keys are per tenant");
        assert!(matches!(
            outbox::claim(tx, "lane", 10, std::time::Duration::ZERO).await,
            Err(StoreError::OutOfScope(_))
        ));
        let (node, apps, servers) = Default::default();
        let sample = SystemLog { at: now, node, apps, servers, held: None };
        assert!(matches!(metrics::append(tx, a.node, &[sample]).await, Err(StoreError::NotFound(_))));
        let owner = LogOwner { tenant: b.tenant, project: None, app: None };
        assert!(matches!(logs::append(tx, owner, &lines(mine.log)).await, Err(StoreError::OutOfScope(_))));
        Ok(())
    })
    .unwrap();
}

/// Lists show one's own and nothing else.
async fn lists_show_nothing(world: &World, all: &Everything) {
    let (at, page) = (world.reader(world.b), PageRequest::default());
    let b = world.b;
    assert!(runs::page(&at, &Default::default(), &page).await.unwrap().items.is_empty());
    assert!(approvals::page(&at, None, &page).await.unwrap().items.is_empty());
    assert!(audit::page(&at, &ActivityFilter::default(), &page).await.unwrap().items.is_empty());
    assert!(events::after(&at, 0, &EventFilter::default(), 10).await.unwrap().0.is_empty());
    assert_eq!(nodes::page(&at, &Default::default(), &page).await.unwrap().items[0].id, b.node);
    assert_eq!(nodes::count(&at, nodes::NodeStatus::Offline).await.unwrap(), 1);
    assert_eq!(apps::page(&at, &Default::default(), &page).await.unwrap().items[0].id, b.app);
    assert_eq!(apps::by_name(&at, "shop").await.unwrap().unwrap().id, b.app);
    assert_eq!(nodes::by_name(&at, "box").await.unwrap().unwrap().id, b.node);
    assert_eq!(users::page(&at, None, &page).await.unwrap().items.len(), 1);
    assert_eq!(users::count(&at).await.unwrap(), 1);
    assert_eq!(tenants::all(&at).await.unwrap().len(), 1);
    assert_eq!(tenants::projects(&at, None).await.unwrap()[0].id, b.project);
    assert!(devices::pending(&at).await.unwrap().is_empty());
    assert!(matches!(audit::export(&at, world.store.instance(), 0, 10).await, Err(StoreError::OutOfScope(_))));
    assert_eq!(audit::page(&world.reader(world.a), &Default::default(), &page).await.unwrap().items.len(), 1);
    assert_eq!(runs::page(&world.reader(world.a), &Default::default(), &page).await.unwrap().items[0].run.id, all.run);
}

pub async fn a_project_sees_only_its_own(world: World) {
    let a = world.a;
    let all = fill(&world, a).await;
    let own = world.store.read(Scope::Project(a.tenant, a.project));
    assert_eq!(apps::get(&own, a.app).await.unwrap().id, a.app);
    assert_eq!(runs::get(&own, all.run).await.unwrap().id, all.run);
    assert_eq!(commands::of_run(&own, all.run).await.unwrap().len(), 1);
    assert_eq!(timeline::of_run(&own, all.run).await.unwrap().len(), 1);
    // What belongs to the tenant as a whole is not a project's.
    assert!(matches!(nodes::get(&own, a.node).await, Err(StoreError::NotFound(_))));
    assert!(matches!(users::get(&own, a.user).await, Err(StoreError::NotFound(_))));
    assert!(sessions::of_user(&own, a.user).await.unwrap().is_empty());
    let other = world.store.read(Scope::Project(a.tenant, world.b.project));
    for (n, text) in view(&other, a, &all).await.iter().enumerate().skip(1) {
        assert_eq!(text, "nothing", "question {n}");
    }
}

pub async fn nobody_writes_rows_of_others(world: World) {
    let (a, b) = (world.a, world.b);
    let (run, now) = (new_run(a, world.now()), world.now());
    write!(world.store, b.scope(), |tx| {
        let out = |result: sf_store::Result<()>| {
            let refused = matches!(result, Err(StoreError::OutOfScope(_) | StoreError::NotFound(_)));
            assert!(refused, "{result:?}");
        };
        out(runs::insert(tx, &run));
        out(nodes::create(tx, new_node(a.tenant, "x")).await.map(drop));
        out(users::create(tx, a.tenant, "x@example.org", "x").await.map(drop));
        out(sessions::create(tx, &session(a, now, now)).await);
        out(tokens::create(tx, &token(a, now, now)).await);
        // One's own tenant, but somebody else's person.
        out(tokens::create(tx, &Token { tenant: b.tenant, ..token(a, now, now) }).await);
        out(enrol::create(tx, &enrol_token(a, now, now)).await);
        out(approvals::open(tx, &approval(a, run.id, now, now)).await);
        out(releases::create(tx, id(), a.app, run.id, None, None).await.map(drop));
        out(tenants::create(tx, "x").await.map(drop));
        let owner = LogOwner { tenant: a.tenant, project: None, app: None };
        out(logs::append(tx, owner, &lines(LogSource::Run { run: run.id })).await.map(drop));
        Ok(())
    })
    .unwrap();
}

pub fn session(side: Side, now: Timestamp, later: Timestamp) -> Session {
    Session {
        id: id(),
        tenant: side.tenant,
        user: side.user,
        kind: SessionKind::Browser,
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
        user_agent_family: Some("Firefox on Linux".into()),
        ip: Some("192.0.2.1".into()),
    }
}

pub fn token(side: Side, now: Timestamp, later: Timestamp) -> Token {
    Token {
        id: id(),
        tenant: side.tenant,
        user: side.user,
        name: "ci".into(),
        hash: [2; 32],
        scopes: Some(Json(vec!["app:view".into()])),
        address_list: None,
        created_at: now,
        expires_at: later,
        last_used_at: None,
        revoked_at: None,
        project: None,
        last_used_from: None,
        speaks_for: sf_actions::access::SpeaksFor::Person,
    }
}

pub fn enrol_token(side: Side, now: Timestamp, later: Timestamp) -> EnrolToken {
    EnrolToken {
        id: id(),
        tenant: side.tenant,
        verifier: [3; 32],
        name: None,
        created_by: Some(side.user),
        created_at: now,
        expires_at: later,
        used_at: None,
        node: None,
    }
}

pub fn approval(side: Side, run: RunId, now: Timestamp, later: Timestamp) -> Approval {
    Approval {
        id: id(),
        tenant: side.tenant,
        project: Some(side.project),
        subject_kind: approvals::RUN.into(),
        subject: run.uuid(),
        hash: "h".into(),
        guard: Json(serde_json::json!({"commit": "c"})),
        diff: Json(serde_json::json!([])),
        state: ApprovalState::Open,
        decision: None,
        decided_by: None,
        comment: None,
        opened_at: now,
        expires_at: later,
        decided_at: None,
        run: Some(run),
        step: None,
        escalated_at: None,
        terms: None,
        held_until: None,
    }
}

pub fn lines(source: LogSource) -> LogStream {
    let line = LogLine { sequence: 1, at: Timestamp::EPOCH, stream: Stream::Out, text: "a line".into() };
    LogStream { source, lines: vec![line], dropped: 0 }
}

pub fn line(side: Side) -> Entry {
    Entry {
        tenant: Some(side.tenant),
        project: None,
        actor_kind: "person".into(),
        actor_ref: side.user.to_string(),
        action: "app.deploy".into(),
        target_kind: "app".into(),
        target_id: side.app.to_string(),
        run: None,
        request: None,
        outcome: "opened".into(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}
