//! `serverflow workflow`.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sf_testkit::Plane;

use crate::ADMIN;
use crate::people::NOBODY;
use crate::world::{Person, Served, person};

const PROJECTS: &str = r#"
workflow: 1
name: projects
description: Makes one.
inputs: { type: object, properties: { name: { type: string } }, required: [name] }
steps:
  - { id: before, query: /projects }
  - { id: make, title: Make it, action: project.create, with: { name: "${{ inputs.name }}" } }
  - { id: after, query: "/projects/${{ steps.make.output.made.project }}" }
output: { made: "${{ steps.after.output.name }}" }
"#;

const BAD: &str = "workflow: 1\nname: bad\nsteps:\n  - { id: a }\n  - { id: b, action: project.crate }\n";

const WAITS: &str =
    "workflow: 1\nname: waits\nsteps: [{ id: go, wait: { event: go } }]\noutput: '${{ steps.go.output }}'\n";

/// The lines of a followed run.
fn lines(out: &str) -> Result<Vec<Value>> {
    out.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// A control plane, and somebody at a command line with the right to everything.
async fn begun() -> Result<(Plane, Served, Person)> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    Ok((plane, served, ada))
}

#[tokio::test]
async fn a_document_is_linted_applied_and_exported() -> Result<()> {
    let (plane, served, ada) = begun().await?;
    let bad = ada.says(&["workflow", "lint", "-"], BAD).await?;
    ensure!(bad.code == 1, "{bad:?}");
    ensure!(bad.out.contains("-: steps[0]: It does nothing.") && bad.out.contains("-: steps[1].action: "), "{bad:?}");
    ensure!(bad.out.contains("do: Did you mean `project.create`?"), "{bad:?}");
    let told = ada.says(&["--json", "workflow", "lint", "-"], BAD).await?;
    let told: Value = serde_json::from_str(&told.out)?;
    ensure!(told["lint"]["problems"][1]["place"] == "steps[1].action", "{told}");
    let refused = ada.says(&["workflow", "apply", "-"], BAD).await?;
    ensure!(refused.code == 1 && refused.err.contains("workflow.refused"), "{refused:?}");
    ensure!(refused.err.contains("serverflow workflow lint"), "{refused:?}");

    let plan = ada.says(&["workflow", "apply", "-", "--dry-run"], PROJECTS).await?;
    ensure!(plan.code == 0 && plan.out.contains("Nothing was done"), "{plan:?}");
    ensure!(ada.ok(&["workflow"]).await?.contains("There is no workflow."));
    let made = ada.says(&["workflow", "apply", "-"], PROJECTS).await?;
    ensure!(made.code == 0 && made.out.contains("projects is kept, version 1"), "{made:?}");
    let again = ada.says(&["--json", "workflow", "apply", "-"], &format!("# again\n{PROJECTS}")).await?;
    let again: Value = serde_json::from_str(&again.out)?;
    ensure!(again["changed"] == false && again["workflow"]["version"] == 1, "{again}");
    let other = PROJECTS.replace("Makes one.", "Makes another.");
    let changed = ada.says(&["workflow", "apply", "-"], &other).await?;
    ensure!(changed.out.contains("projects is kept, version 2"), "{changed:?}");

    ensure!(ada.ok(&["workflow", "export", "projects"]).await?.trim() == other.trim());
    let first = ada.ok(&["workflow", "export", "projects", "--by-version", "1"]).await?;
    let back = ada.says(&["workflow", "apply", "-"], &first).await?;
    ensure!(back.out.contains("version 3"), "{back:?}");
    let same = ada.says(&["workflow", "apply", "-"], &ada.ok(&["workflow", "export", "projects"]).await?).await?;
    ensure!(same.out.contains("nothing changed, version 3"), "{same:?}");

    let shown = ada.json(&["workflow", "show", "projects"]).await?;
    let id = shown["id"].as_str().context("an id")?;
    ensure!(ada.json(&["workflow", "list", "--q", "proj"]).await?[0]["id"] == id);
    ensure!(ada.ok(&["workflow", "disable", id]).await?.contains("no more"));
    ensure!(ada.ok(&["workflow", "enable", "projects"]).await?.contains("with your rights"));
    ensure!(ada.json(&["workflow", "show", id]).await?["enabled"] == true);
    ensure!(ada.ok(&["workflow", "delete", "projects", "--yes"]).await?.contains("is deleted"));
    for args in [&["workflow", "show", "projects"][..], &["workflow", "run", "projects"], &["workflow", "watch", "x"]] {
        ada.fails(args, 1, "workflow.not_found").await?;
    }
    ada.fails(&["workflow", "lint", "nowhere.yaml"], 1, "cli.file").await?;
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_run_is_watched_and_forked() -> Result<()> {
    let (plane, served, ada) = begun().await?;
    ada.says(&["workflow", "apply", "-"], PROJECTS).await?;
    let run = ["workflow", "run", "projects", "--watch", "--input"];
    let done = ada.ok(&[&run[..], &["name=games"]].concat()).await?;
    ensure!(done.contains("✓ Make it") && done.contains("succeeded") && done.contains("\"made\": \"games\""), "{done}");
    // A name that looks like a number is a text where the workflow wants one; the name is taken, and so it fails.
    let failed = ada.run(&[&["--json"], &run[..], &["name=games"]].concat()).await?;
    let told = lines(&failed.out)?;
    ensure!(failed.code == 1, "{failed:?}");
    ensure!(told.iter().any(|line| line["step"]["key"] == "make" && line["step"]["state"] == "failed"), "{told:?}");
    let last = told.last().context("a last line")?;
    ensure!(last["execution"]["failedStep"] == "make" && last["run"]["done"] == "failed", "{last}");
    let old = last["run"]["id"].as_str().context("an id")?;
    let failed = ada.run(&["workflow", "watch", old]).await?;
    ensure!(failed.code == 1 && failed.out.contains("✗ Make it"), "{failed:?}");
    ensure!(failed.out.contains(&format!("serverflow workflow fork {old} --step make")), "{failed:?}");

    let fork = ["workflow", "fork", old, "--step", "make", "--input", "name=2048", "--watch"];
    let forked = ada.ok(&[&["--json"], &fork[..]].concat()).await?;
    let last = lines(&forked)?.pop().context("a last line")?;
    ensure!(last["execution"]["output"]["made"] == "2048", "{last}");
    ensure!(last["execution"]["forkedFrom"] == old && last["execution"]["input"]["name"] == "2048", "{last}");
    ada.fails(&["workflow", "fork", old, "--step", "nowhere"], 2, "workflow.fork").await?;
    ada.fails(&["workflow", "run", "projects"], 2, "workflow.input").await?;
    ada.fails(&["workflow", "run", "projects", "--input", "name"], 2, "cli.usage").await?;
    ada.fails(&["workflow", "watch", NOBODY], 1, "run.not_found").await?;
    let plan = ada.ok(&["workflow", "run", "projects", "--input", "name=x", "--dry-run"]).await?;
    ensure!(plan.contains("Nothing was done"), "{plan}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_run_that_waits_is_sent_an_event_or_cancelled() -> Result<()> {
    let (plane, served, ada) = begun().await?;
    ada.says(&["workflow", "apply", "-"], WAITS).await?;
    ada.fails(&["workflow", "watch", "waits"], 1, "workflow.never_run").await?;
    let begun = ada.json(&["workflow", "run", "waits"]).await?;
    let first = begun["id"].as_str().context("an id")?;
    ensure!(ada.ok(&["workflow", "send", first, "go", "--data", "{\"by\": 7}"]).await?.contains("is sent"));
    let seen = ada.ok(&["--json", "workflow", "watch", "waits"]).await?;
    let last = lines(&seen)?.pop().context("a last line")?;
    ensure!(last["execution"]["output"]["by"] == 7 && last["run"]["id"] == first, "{last}");
    ada.fails(&["workflow", "send", first, "go"], 1, "workflow.over").await?;

    ada.ok(&["workflow", "run", "waits"]).await?;
    ada.ok(&["workflow", "cancel", "waits"]).await?;
    let cancelled = ada.run(&["workflow", "watch", "waits"]).await?;
    ensure!(cancelled.code == 5 && cancelled.out.contains("cancelled"), "{cancelled:?}");
    let shown = ada.ok(&["workflow", "show", "waits"]).await?;
    ensure!(shown.contains("cancelled") && shown.contains("succeeded"), "a list tells how each ended: {shown}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_example_of_a_nightly_report_tells_of_every_machine() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let _node = plane.enrol(&admin).await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/workflows/nightly-report.yaml");
    ensure!(ada.ok(&["workflow", "apply", file]).await?.contains("nightly-report is kept"));
    let shown = ada.ok(&["workflow", "list"]).await?;
    ensure!(shown.contains("nightly"), "{shown}");
    let done = ada.ok(&["--json", "workflow", "run", "nightly-report", "--watch"]).await?;
    let last = lines(&done)?.pop().context("a last line")?;
    let output = &last["execution"]["output"];
    ensure!(output["machines"] == 1 && output["report"][0]["measured"] == true, "{last}");
    ensure!(output["report"][0]["name"].is_string(), "{last}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_second_person_has_to_agree_to_is_told() -> Result<()> {
    let (plane, served, ada) = begun().await?;
    ada.says(&["workflow", "apply", "-"], WAITS).await?;
    let _authority = served.stop().await;
    let plane = plane.reconfigured(|options| options.routing.frozen = true).await?;
    person(&plane, "bo@example.org").await?;
    let served = Served::start(&plane).await?;
    let (ada, bo) = (served.person().await?, served.person().await?);
    ada.signs_in(ADMIN).await?;
    bo.signs_in("bo@example.org").await?;
    let held = ada.says(&["workflow", "apply", "-"], &WAITS.replace("output:", "description: Other.\noutput:")).await?;
    ensure!(held.code == 0 && held.out.contains("serverflow runs follow"), "{held:?}");
    let wanted = ada.json(&["workflow", "run", "waits"]).await?;
    let id = wanted["id"].as_str().context("an id")?;
    ensure!(wanted["state"] == "waiting", "{wanted}");
    bo.ok(&["runs", "reject", id]).await?;
    let rejected = ada.run(&["workflow", "watch", id]).await?;
    ensure!(rejected.code == 4 && rejected.out.contains("rejected"), "{rejected:?}");
    let change = ada.json(&["runs", "list", "--action", "workflow.update"]).await?;
    let change = change[0]["id"].as_str().context("an id")?;
    ada.fails(&["workflow", "watch", change], 1, "workflow.no_run").await?;
    served.stop().await;
    plane.stop().await;
    Ok(())
}
