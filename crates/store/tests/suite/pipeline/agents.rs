//! Calls of tools by AI hosts, and the keys by which they are made once.

use std::time::Duration;

use sf_store::idempotency::{self, Begin};
use sf_store::mcp_calls::{self, CallDecision, CallFilter, McpCall};
use sf_store::{Scope, StoreError};
use sf_types::{PageRequest, RunId, Timestamp, TokenId};

use crate::fixture::{Side, World, id};
use crate::write;

async fn called(world: &World, side: Side, token: TokenId, tool: &str, untrusted: bool) {
    let tool = tool.to_owned();
    write!(world.store, side.scope(), |tx| {
        let call = McpCall {
            id: tx.new_uuid(),
            tenant: side.tenant,
            user: side.user,
            token,
            client: "Claude 50%".to_owned(),
            tool,
            digest: [7; 32],
            decision: if untrusted { CallDecision::Allowed } else { CallDecision::Held },
            code: None,
            run: None,
            approval: None,
            untrusted,
            duration_us: 1_500,
            at: sf_store::Look::now(tx),
            times: 1,
        };
        mcp_calls::keep(tx, &call).await
    })
    .unwrap();
}

pub async fn calls_are_kept_found_and_go_after_their_time(world: World) {
    let (a, token) = (world.a, id::<TokenId>());
    for tool in ["logs", "deploy", "overview"] {
        called(&world, a, token, tool, tool == "logs").await;
        world.pass(1_000);
    }
    let found = async |filter: CallFilter| {
        let page = mcp_calls::page(&world.reader(a), &filter, &PageRequest::default()).await.unwrap();
        page.items.into_iter().map(|call| call.tool).collect::<Vec<_>>()
    };
    assert_eq!(found(CallFilter::default()).await, ["overview", "deploy", "logs"]);
    assert_eq!(found(CallFilter { tool: Some("deploy".into()), ..CallFilter::default() }).await, ["deploy"]);
    assert_eq!(found(CallFilter { decision: Some(CallDecision::Allowed), ..CallFilter::default() }).await, ["logs"]);
    assert_eq!(found(CallFilter { q: Some("OVER".into()), ..CallFilter::default() }).await, ["overview"]);
    assert_eq!(found(CallFilter { client: Some("50%".into()), ..CallFilter::default() }).await.len(), 3);
    assert!(found(CallFilter { client: Some("5_%".into()), ..CallFilter::default() }).await.is_empty());
    assert!(found(CallFilter { token: Some(id()), ..CallFilter::default() }).await.is_empty());
    let first = PageRequest { limit: Some(2), after: None };
    let page = mcp_calls::page(&world.reader(a), &CallFilter::default(), &first).await.unwrap();
    let rest = PageRequest { limit: Some(2), after: page.next };
    let rest = mcp_calls::page(&world.reader(a), &CallFilter::default(), &rest).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 1, None));
    let before = world.now();
    assert!(matches!(
        write!(world.store, a.scope(), |tx| mcp_calls::prune(tx, before).await),
        Err(StoreError::OutOfScope(_))
    ));
    let gone =
        write!(world.store, Scope::System, |tx| mcp_calls::prune(tx, before.minus(Duration::from_secs(1))).await);
    assert_eq!(gone.unwrap(), 2);
    assert_eq!(found(CallFilter::default()).await, ["overview"]);
}

pub async fn calls_that_a_limit_refused_are_one_row(world: World) {
    let (a, b, row, token) = (world.a, world.b, id::<TokenId>().uuid(), id::<TokenId>());
    let count = async |side: Side, times: u64, at: Timestamp| {
        write!(world.store, side.scope(), |tx| {
            let call = McpCall {
                id: row,
                tenant: side.tenant,
                user: side.user,
                token,
                client: "Claude".to_owned(),
                tool: "deploy".to_owned(),
                digest: mcp_calls::NO_DIGEST,
                decision: CallDecision::Limited,
                code: Some("rate.limited".to_owned()),
                run: None,
                approval: None,
                untrusted: false,
                duration_us: 0,
                at,
                times,
            };
            mcp_calls::count(tx, &call).await
        })
    };
    let (first, later) = (world.now(), world.now().plus(Duration::from_secs(5)));
    for (times, at) in [(1, first), (40, later), (2, first)] {
        count(a, times, at).await.unwrap();
    }
    // The row of one team is nobody else's to count on.
    count(b, 1_000, later).await.unwrap();
    let found = mcp_calls::page(&world.reader(a), &CallFilter::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(found.iter().map(|call| (call.times, call.at)).collect::<Vec<_>>(), [(43, later)]);
    assert!(matches!(
        write!(world.store, b.scope(), |tx| {
            let others = McpCall { tenant: a.tenant, ..found[0].clone() };
            mcp_calls::count(tx, &others).await
        }),
        Err(StoreError::OutOfScope(_))
    ));
}

pub async fn what_was_read_is_known_of_one_credential_of_one_team(world: World) {
    let (a, b, token) = (world.a, world.b, id::<TokenId>());
    let since = world.now();
    called(&world, a, token, "overview", false).await;
    let tainted = async |side: Side, token: TokenId, since: Timestamp| {
        mcp_calls::is_tainted(&world.reader(side), token, since).await.unwrap()
    };
    assert!(!tainted(a, token, since).await, "nothing of others' was in it");
    called(&world, a, token, "logs", true).await;
    assert!(tainted(a, token, since).await);
    assert!(!tainted(a, id(), since).await, "another credential");
    assert!(!tainted(b, token, since).await, "another team");
    assert!(!tainted(a, token, since.plus(Duration::from_secs(1))).await, "before");
    let of_project = world.store.read(Scope::Project(a.tenant, a.project));
    assert!(
        mcp_calls::page(&of_project, &CallFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty()
    );
    let theirs = mcp_calls::page(&world.reader(b), &CallFilter::default(), &PageRequest::default()).await.unwrap();
    assert!(theirs.items.is_empty());
}

pub async fn a_key_is_renewed_by_the_run_it_is_bound_to_and_by_no_other(world: World) {
    let (a, hash) = (world.a, [1; 32]);
    let run: RunId = world.run(a).await.id;
    let begin =
        || async { write!(world.store, a.scope(), |tx| idempotency::begin(tx, "agent", "key", &hash).await).unwrap() };
    assert_eq!(begin().await, Begin::New);
    write!(world.store, a.scope(), |tx| idempotency::claim(tx, "agent", "key", run, serde_json::json!({})).await)
        .unwrap();
    assert_eq!(begin().await, Begin::Carried);
    let store = &world.store;
    let renew = |run: RunId| async move {
        write!(store, a.scope(), |tx| idempotency::renew(tx, "agent", "key", run).await).unwrap()
    };
    let renew = &renew;
    assert!(!renew(id()).await, "another run");
    assert_eq!(begin().await, Begin::Carried);
    assert!(renew(run).await);
    assert!(!renew(run).await, "one of two who want the same once more");
    assert_eq!(begin().await, Begin::New);
}
