//! `serverflow audit`: taking the chain away, and verifying it with nothing but the file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use sf_actions::Permission;
use sf_testkit::Plane;
use tokio::process::{Child, Command};

use crate::ADMIN;
use crate::world::{Served, person_with, program};

#[tokio::test]
async fn the_chain_is_taken_away_and_verified_anywhere() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    plane.app(&admin, node.id(), "shop").await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (file, root) = (at("audit.jsonl"), plane.root().to_string());

    let saved = ada.ok(&["audit", "export", "--out", &file]).await?;
    let text = std::fs::read_to_string(&file)?;
    ensure!(saved.contains(&format!("Saved {} bytes to {file}", text.len())), "{saved}");
    ensure!(saved.contains(&format!("serverflow audit verify {file}")), "{saved}");
    ensure!(std::fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600, "it names persons");
    let told = ada.json(&["audit", "export", "--out", &at("again.jsonl")]).await?;
    ensure!(told["bytes"].as_u64().is_some_and(|bytes| bytes > 1000) && told["file"] == at("again.jsonl"), "{told}");
    let shown = ada.ok(&["audit", "export"]).await?;
    ensure!(shown.lines().count() > text.lines().count() && shown.contains("activity.export"), "{shown}");
    let table = ada.ok(&["audit", "export", "--format", "csv"]).await?;
    ensure!(table.starts_with("\"at\",\"actorKind\"") && table.contains("app.create"), "{table}");
    let none = ada.ok(&["audit", "export", "--format", "csv", "--to", "2020-01-01T00:00:00Z"]).await?;
    ensure!(none.lines().count() == 1, "{none}");
    ada.fails(&["audit", "export", "--from", "yesterday"], 2, "query.time").await?;
    let unknown = ada.run(&["audit", "export", "--format", "pdf"]).await?;
    ensure!(unknown.code == 2 && unknown.err.contains("jsonl, csv"), "{unknown:?}");
    ada.fails(&["audit", "export", "--out", &at("absent/audit.jsonl")], 1, "cli.file").await?;

    // Whoever has the file needs nobody: no address, no credential.
    let anyone = served.person().await?;
    person_with(&plane, "bo@example.org", &[Permission::TokenManage, Permission::AppView]).await?;
    let bo = served.person().await?;
    bo.signs_in("bo@example.org").await?;
    for refused in [&bo, &anyone] {
        let error = if std::ptr::eq(refused, &bo) { "permission.missing" } else { "cli.signed_out" };
        refused.fails(&["audit", "export"], 4, error).await?;
        refused.fails(&["audit", "export", "--out", &at("none.jsonl")], 4, error).await?;
    }
    let _authority = served.stop().await;
    ada.fails(&["audit", "export", "--out", &at("none.jsonl")], 6, "cli.unreachable").await?;
    let left: Vec<_> =
        std::fs::read_dir(folder.path())?.map(|entry| entry.map(|one| one.file_name())).collect::<Result<_, _>>()?;
    ensure!(left.len() == 2, "a refused export leaves nothing: {left:?}");

    let good = anyone.ok(&["audit", "verify", &file]).await?;
    ensure!(good.contains("good  ") && good.contains(&format!("Signed under root {root}. Compare")), "{good}");
    let good = anyone.ok(&["audit", "verify", &file, "--root", &root]).await?;
    ensure!(good.contains(&format!("Signed under root {root}, as you said.")), "{good}");
    let report = anyone.json(&["audit", "verify", &file]).await?;
    ensure!(report["good"] == true && report["whole"] == true && report["root"] == root, "{report}");
    ensure!(report["chains"][0]["firstBad"].is_null(), "{report}");

    // One line was changed: it is named, and scripts see it.
    let line = text.lines().find(|line| line.contains("app.create")).context("a line")?;
    let seq: u64 = serde_json::from_str::<serde_json::Value>(line)?["seq"].as_u64().context("a number")?;
    std::fs::write(at("bent.jsonl"), text.replacen("app.create", "app.delete", 1))?;
    let bad = anyone.run(&["audit", "verify", &at("bent.jsonl")]).await?;
    ensure!(bad.code == 1 && bad.out.contains(&format!("BAD   line {seq} ")), "{bad:?}");
    let bad = anyone.run(&["--json", "audit", "verify", &at("bent.jsonl")]).await?;
    let report: serde_json::Value = serde_json::from_str(&bad.out)?;
    ensure!(bad.code == 1 && report["good"] == false && report["chains"][0]["firstBad"]["seq"] == seq, "{report}");
    let other = sf_protocol::SecretKey::from_seed(&[1; 32]).public().id().to_string();
    let bad = anyone.run(&["audit", "verify", &file, "--root", &other]).await?;
    ensure!(bad.code == 1 && bad.out.contains("BAD"), "{bad:?}");

    let half: String = text.lines().take(5).map(|line| format!("{line}\n")).collect();
    std::fs::write(at("half.jsonl"), half)?;
    let bad = anyone.run(&["audit", "verify", &at("half.jsonl")]).await?;
    ensure!(bad.code == 1, "{bad:?}");
    std::fs::write(at("other.txt"), "something else\n")?;
    anyone.fails(&["audit", "verify", &at("other.txt")], 1, "audit.unreadable").await?;
    anyone.fails(&["audit", "verify", &at("absent.jsonl")], 1, "cli.file").await?;
    anyone.fails(&["audit", "verify", &file, "--witness", &at("other.txt")], 2, "cli.usage").await?;
    anyone.fails(&["audit", "verify", &file, "--witness", &at("absent.json")], 1, "cli.file").await?;
    let wrong = anyone.run(&["audit", "verify", &file, "--root", "sha256:zz"]).await?;
    ensure!(wrong.code == 2 && wrong.err.contains("--root"), "{wrong:?}");
    plane.stop().await;
    Ok(())
}

/// The real agent in a mode of its own.
fn agent(state: &Path) -> Result<Command> {
    let mut command = Command::new(program()?.with_file_name("serverflow-agent"));
    command.arg("--state").arg(state).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.kill_on_drop(true);
    Ok(command)
}

/// Runs the agent until it holds this many heads on its disk.
async fn until_seen(state: &Path, heads: usize) -> Result<Child> {
    let running = agent(state)?.arg("run").spawn()?;
    let seen = async {
        loop {
            let text = tokio::fs::read_to_string(state.join("witness.json")).await.unwrap_or_default();
            let kept: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            if kept["checkpoints"].as_array().is_some_and(|kept| kept.len() >= heads) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(sf_testkit::plane::WAIT, seen).await.context("the agent saw it in time")?;
    Ok(running)
}

#[tokio::test]
async fn what_a_real_agent_has_seen_shows_that_the_end_is_missing() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    let folder = tempfile::tempdir()?;
    let (state, early, late) = (folder.path().join("agent"), folder.path().join("early"), folder.path().join("late"));
    let (witness, root) = (state.join("witness.json").display().to_string(), plane.root().to_string());
    let mut enrol = agent(&state)?;
    enrol.args(["enrol", "--url", &format!("wss://{}", plane.address), "--root", &root]);
    enrol.env("SERVERFLOW_ENROL_TOKEN", plane.invite(&admin).await?);
    let enrolled = enrol.stderr(Stdio::piped()).output().await?;
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));

    // An export ends with a signed line. So does one that was cut there.
    let early = early.display().to_string();
    ada.ok(&["audit", "export", "--out", &early]).await?;
    plane.control.keep_audit().await?;
    let mut running = until_seen(&state, 1).await?;
    running.kill().await?;
    let verify = async |file: &str| ada.run(&["audit", "verify", file, "--root", &root, "--witness", &witness]).await;
    let node = plane.enrol(&admin).await?;
    plane.app(&admin, node.id(), "shop").await?;
    let late = late.display().to_string();
    ada.ok(&["audit", "export", "--out", &late]).await?;
    // Started again, the agent still has what it saw, and sees more.
    let mut running = until_seen(&state, 2).await?;
    running.kill().await?;

    let good = verify(&late).await?;
    ensure!(good.code == 0 && good.out.contains("as nodes have seen it"), "{good:?}");
    let bad = verify(&early).await?;
    ensure!(bad.code == 1 && bad.out.contains("BAD   line") && bad.out.contains("truncated"), "{bad:?}");
    let alone = ada.run(&["audit", "verify", &early, "--root", &root]).await?;
    ensure!(alone.code == 0 && alone.out.contains("--witness witness.json"), "nothing in it shows it: {alone:?}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}
