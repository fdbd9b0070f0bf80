//! `serverflow inbox`, `serverflow routing` and `serverflow deputy`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sf_actions::{Actor, Permission};
use sf_engine::{Done, RunState};
use sf_runtime::Clock;
use sf_testkit::{Plane, SimNode};
use sf_types::{AppId, RunId};
use tempfile::TempDir;

use crate::people::NOBODY;
use crate::world::{Person, Served, person, person_with};
use crate::{ADMIN, deploy};

/// Two who may decide, and an app that an AI wants to deploy. Time stands still: nothing expires or goes ahead unless a
/// test says so.
struct World {
    plane: Plane,
    admin: Actor,
    app: AppId,
    served: Served,
    ada: Person,
    bo: Person,
    _node: SimNode,
    _folder: TempDir,
}

impl World {
    async fn begun() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let plane = Plane::in_folder(folder.path(), Clock::manual(Clock::system().now())).await?;
        let admin = plane.admin().await?;
        let node = plane.enrol(&admin).await?;
        let app = plane.app(&admin, node.id(), "shop").await?;
        person(&plane, "bo@example.org").await?;
        let served = Served::start(&plane).await?;
        let (ada, bo) = (served.person().await?, served.person().await?);
        ada.signs_in(ADMIN).await?;
        bo.signs_in("bo@example.org").await?;
        Ok(Self { plane, admin, app, served, ada, bo, _node: node, _folder: folder })
    }

    /// An AI of which nothing is known proposes a deploy: its run, and the card.
    async fn asked(&self) -> Result<(RunId, String)> {
        let run = self.plane.open_run(&Plane::ai_of(&self.admin), deploy(self.app)).await?;
        Ok((run, card_of(&self.bo, run).await?))
    }

    async fn ended(self) {
        self.served.stop().await;
        self.plane.stop().await;
    }
}

/// The card of a run in somebody's inbox.
async fn card_of(person: &Person, run: RunId) -> Result<String> {
    let listed = person.json(&["inbox"]).await?;
    let cards = listed["items"].as_array().with_context(|| format!("a list: {listed}"))?;
    let card = cards.iter().find(|card| card["runId"] == run.to_string());
    Ok(card.and_then(|card| card["id"].as_str()).with_context(|| format!("no card of {run}: {listed}"))?.to_owned())
}

#[tokio::test]
async fn a_card_is_shown_approved_and_taken_back_in_time() -> Result<()> {
    let world = World::begun().await?;
    let World { plane, ada, bo, .. } = &world;
    let empty = ada.ok(&["inbox"]).await?;
    ensure!(empty.contains("Nothing needs you.") && empty.contains("serverflow routing show"), "{empty}");
    let (run, card) = world.asked().await?;
    let listed = ada.ok(&["inbox", "list", "--kind", "approval"]).await?;
    for part in ["approval", ": shop", "AI agent of Admin", card.as_str()] {
        ensure!(listed.contains(part), "{part}: {listed}");
    }
    ensure!(ada.ok(&["inbox", "list", "--kind", "failed"]).await?.contains("Nothing needs you."));
    ada.fails(&["inbox", "list", "--kind", "lost"], 2, "query.kind").await?;

    let shown = ada.ok(&["inbox", "show", &card]).await?;
    for part in [
        "why here",
        "confidence",
        "rests on",
        "there is no record of the like",
        "What it would do",
        "A decision is about exactly this",
    ] {
        ensure!(shown.contains(part), "{part}: {shown}");
    }
    ensure!(shown.contains("others who may decide: Bo") && shown.contains(&format!("inbox approve {card}")), "{shown}");
    ensure!(ada.json(&["inbox", "show", &run.to_string()]).await?["card"]["id"] == card.as_str(), "by its run, too");
    ada.fails(&["inbox", "show", NOBODY], 1, "card.not_found").await?;
    ada.fails(&["inbox", "undo", &card], 1, "approval.undecided").await?;

    let said = ada.ok(&["inbox", "approve", &card, "--comment", "looks right"]).await?;
    ensure!(said.contains(&format!("goes ahead in 5 s; take it back with `serverflow inbox undo {card}`")), "{said}");
    let late = bo.fails(&["inbox", "reject", &card], 1, "approval.decided").await?;
    ensure!(late.contains("Admin was faster: it is approved already."), "{late}");
    bo.fails(&["inbox", "undo", &card], 4, "approval.not_yours").await?;
    let back = ada.ok(&["inbox", "undo", &run.to_string()]).await?;
    ensure!(back.contains("waits for a decision again"), "{back}");
    let anew = card_of(bo, run).await?;
    ensure!(anew != card && back.contains(&anew), "what waits again is a card of its own: {back}");
    let moved = bo.fails(&["inbox", "approve", &card], 1, "approval.moved").await?;
    ensure!(moved.contains(&format!("serverflow inbox show {anew}")), "who decides on the old card is led on: {moved}");

    bo.ok(&["inbox", "approve", &run.to_string()]).await?;
    // In one instant of this plane's clock: which card is meant does not hang on their ids.
    for _ in 0..4 {
        bo.ok(&["inbox", "undo", &run.to_string()]).await?;
        bo.ok(&["inbox", "approve", &run.to_string()]).await?;
    }
    ada.fails(&["inbox", "undo", &card], 1, "approval.moved").await?;
    plane.pass(Duration::from_secs(6)).await?;
    let over = bo.fails(&["inbox", "undo", &run.to_string()], 1, "run.not_now").await?;
    ensure!(over.contains("do:"), "{over}");
    let state = plane.run(run).await?.state;
    ensure!(state != RunState::Waiting, "it has gone ahead: {state:?}");
    world.ended().await;
    Ok(())
}

#[tokio::test]
async fn what_is_refused_put_aside_or_too_late_says_so() -> Result<()> {
    let world = World::begun().await?;
    let World { plane, ada, bo, .. } = &world;
    let (run, card) = world.asked().await?;
    let aside = ada.ok(&["inbox", "snooze", &card, "--for", "2h"]).await?;
    ensure!(aside.contains("is not shown to you for 2h"), "{aside}");
    ensure!(ada.ok(&["inbox"]).await?.contains("Nothing needs you."));
    ensure!(card_of(bo, run).await? == card, "others see it as before");
    ensure!(ada.ok(&["inbox", "show", &card]).await?.contains("you have put it aside"));
    ada.fails(&["inbox", "snooze", &card, "--for-good"], 2, "inbox.waits").await?;
    ada.fails(&["inbox", "snooze", &card, "--for", "31d"], 2, "inbox.until").await?;
    for bad in ["0s", "soon"] {
        ensure!(ada.run(&["inbox", "snooze", &card, "--for", bad]).await?.code == 2, "{bad}");
    }

    let said = ada.ok(&["inbox", "reject", &card, "--comment", "not today"]).await?;
    ensure!(said.contains(": shop is refused."), "{said}");
    ensure!(plane.run(run).await?.state == RunState::Done(Done::Rejected));
    ada.fails(&["inbox", "approve", &run.to_string()], 1, "approval.decided").await?;
    let shown = ada.ok(&["inbox", "show", &run.to_string()]).await?;
    ensure!(shown.contains(&card) && shown.contains("not today"), "its run leads to the card: {shown}");

    // The next one shows how that went, and nobody answers in time.
    let rules = r#"{ "approvals": [{ "actions": ["app.deploy"], "expiresMinutes": 30 }] }"#;
    ensure!(ada.says(&["routing", "set", "-"], rules).await?.code == 0);
    let (run, card) = world.asked().await?;
    let shown = ada.ok(&["inbox", "show", &card]).await?;
    ensure!(shown.contains("Runs like it:") && shown.contains("rejected: not today"), "{shown}");
    plane.pass(Duration::from_secs(31 * 60)).await?;
    ensure!(plane.run(run).await?.state == RunState::Done(Done::Expired));
    ada.fails(&["inbox", "approve", &card], 1, "approval.expired").await?;
    world.ended().await;
    Ok(())
}

#[tokio::test]
async fn rules_are_tried_set_and_shown_and_more_than_one_has_to_agree() -> Result<()> {
    let world = World::begun().await?;
    let World { plane, ada, bo, admin, app, .. } = &world;
    let empty = ada.ok(&["routing"]).await?;
    ensure!(empty.contains("Nothing is said here yet.") && empty.contains("from 90"), "{empty}");
    let rules = "autoAt: 95\napprovals:\n  - { actions: [app.deploy], quorum: 2, approvers: [bo@example.org, admin@example.org] }\n";
    let tried = ada.says(&["routing", "try", "-"], rules).await?;
    ensure!(tried.code == 0 && tried.out.contains("Nothing was changed."), "{tried:?}");
    let plan = ada.says(&["routing", "set", "-", "--dry-run"], rules).await?;
    ensure!(plan.code == 0 && plan.out.contains("Nothing was done.") && plan.out.contains("The rules of"), "{plan:?}");
    ensure!(ada.json(&["routing", "show"]).await?["version"] == 0, "nothing is set by a plan");
    let set = ada.says(&["routing", "set", "-"], rules).await?;
    ensure!(set.code == 0 && set.out.contains("are set, version 1"), "{set:?}");
    let again = ada.says(&["routing", "set", "-"], &ada.ok(&["routing", "show", "--rules"]).await?).await?;
    ensure!(again.out.contains("nothing changed, version 1"), "what is shown can be set: {again:?}");
    let shown = ada.ok(&["routing", "show"]).await?;
    ensure!(
        shown.contains("from 95") && shown.contains("app.deploy: 2 persons, only bo@example.org, admin@example.org"),
        "{shown}"
    );

    let (run, card) = world.asked().await?;
    let first = ada.ok(&["inbox", "approve", &card]).await?;
    ensure!(first.contains("Your voice counts; one more person has to agree"), "{first}");
    ada.fails(&["inbox", "approve", &card], 4, "approval.again").await?;
    ada.fails(&["inbox", "undo", &run.to_string()], 1, "approval.undecided").await?;
    let shown = bo.ok(&["inbox", "show", &card]).await?;
    ensure!(shown.contains("2 have to agree, 1 agreed so far") && shown.contains("Admin approved"), "{shown}");
    ensure!(bo.ok(&["inbox", "approve", &run.to_string()]).await?.contains("goes ahead in 5 s"));

    // A project has rules of its own, and a freeze holds back what people propose.
    let freeze = "freezes: [{ name: release week, actions: ['app.*'], when: { kind: now } }]";
    let project = ada.json(&["routing", "show"]).await?;
    ensure!(project["projectId"].is_null(), "{project}");
    let set = ada.says(&["routing", "set", "-", "--project", "default"], freeze).await?;
    ensure!(set.code == 0 && set.out.contains("The rules of the project default are set, version 1"), "{set:?}");
    let wanted = plane.open_run(admin, deploy(*app)).await?.to_string();
    let own = ada.ok(&["inbox", "show", &wanted]).await?;
    ensure!(own.contains("release week") && own.contains("you cannot: somebody else"), "{own}");
    ada.fails(&["inbox", "approve", &wanted], 4, "approval.own").await?;
    ensure!(bo.ok(&["inbox", "approve", &wanted]).await?.contains("one more person has to agree"));

    for (bad, code, error) in [
        ("autoAt: 101", 2, "value.refused"),
        ("neverAuto: [app.deplyo]", 2, "value.refused"),
        ("- autoAt", 2, "routing.file"),
        ("approvals: [{ actions: [app.deploy], approvers: [who@example.org] }]", 1, "user.not_found"),
    ] {
        let said = ada.says(&["--json", "routing", "set", "-"], bad).await?;
        let told: Value = serde_json::from_str(&said.out).with_context(|| format!("{bad}: {said:?}"))?;
        ensure!(
            said.code == code && told["error"]["code"] == error && told["error"]["fix"].is_string(),
            "{bad}: {told}"
        );
    }
    ada.fails(&["routing", "show", "--project", "nowhere"], 1, "project.not_found").await?;
    world.ended().await;
    Ok(())
}

#[tokio::test]
async fn a_deputy_decides_where_the_other_may() -> Result<()> {
    let world = World::begun().await?;
    let World { plane, ada, .. } = &world;
    person_with(plane, "cy@example.org", &[Permission::TokenManage]).await?;
    let cy = world.served.person().await?;
    cy.signs_in("cy@example.org").await?;
    let (_, card) = world.asked().await?;
    ensure!(cy.ok(&["inbox"]).await?.contains("Nothing needs you."));
    ensure!(ada.ok(&["deputy"]).await?.contains("serverflow deputy name"));
    let named = ada.ok(&["deputy", "name", "cy@example.org", "--for", "14d"]).await?;
    ensure!(named.contains("may decide where you may"), "{named}");
    let listed = ada.ok(&["deputies", "list"]).await?;
    ensure!(listed.contains(ADMIN) && listed.contains("cy@example.org"), "{listed}");
    ensure!(cy.ok(&["inbox", "approve", &card]).await?.contains("goes ahead in 5 s"));
    ada.fails(&["deputy", "name", ADMIN, "--for", "1d"], 2, "value.refused").await?;
    ada.fails(&["deputy", "name", "cy@example.org", "--for", "91d"], 2, "value.refused").await?;
    ada.fails(&["deputy", "name", "who@example.org", "--for", "1d"], 1, "user.not_found").await?;
    let id = ada.json(&["deputy"]).await?[0]["id"].as_str().context("an id")?.to_owned();
    ensure!(cy.ok(&["deputy", "remove", &id]).await?.contains("Taken back"), "both of them may");
    ada.fails(&["deputy", "remove", &id], 1, "deputy.not_found").await?;
    ada.ok(&["deputy", "name", "cy@example.org", "--for", "1d", "--starts-in", "7d"]).await?;
    let (_, card) = world.asked().await?;
    cy.fails(&["inbox", "approve", &card], 1, "card.not_found").await?;
    world.ended().await;
    Ok(())
}
