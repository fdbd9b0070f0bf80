//! `serverflow hooks`.

use anyhow::{Context, Result, ensure};
use sf_testkit::Plane;

use crate::ADMIN;
use crate::people::NOBODY;
use crate::world::Served;

#[tokio::test]
async fn a_hook_is_made_shown_changed_and_deleted_and_its_secret_is_printed_once() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    plane.app(&admin, node.id(), "shop").await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    for verb in [&["hooks", "show", "shop"][..], &["hooks", "set", "shop", "--path", "api"]] {
        let said = ada.fails(verb, 1, "hook.none").await?;
        ensure!(said.contains("serverflow hooks create shop"), "{said}");
    }
    ada.fails(&["hooks", "show", NOBODY], 1, "app.not_found").await?;
    let said = ada.fails(&["hooks", "create", "shop", "--path", "../x"], 2, "value.refused").await?;
    ensure!(said.contains("settings.paths[0]"), "{said}");

    let planned = ada.ok(&["hooks", "create", "shop", "--dry-run"]).await?;
    ensure!(planned.contains("Nothing was done") && planned.contains("shown once"), "{planned}");
    let made = ada.ok(&["hooks", "create", "shop", "--branch", "main"]).await?;
    ensure!(
        made.contains("whsec_") && made.contains("https://localhost:") && made.contains("/api/v1/hooks/apps/"),
        "{made}"
    );
    ada.fails(&["hooks", "create", "shop"], 1, "hook.exists").await?;
    let shown = ada.ok(&["hooks", "show", "shop"]).await?;
    ensure!(shown.contains("main") && !shown.contains("whsec_"), "{shown}");
    ensure!(ada.ok(&["hooks", "deliveries", "shop"]).await?.contains("Nothing has come yet"));
    ensure!(ada.json(&["hooks", "deliveries", "shop"]).await?.as_array().is_some_and(Vec::is_empty));

    let set = ada.ok(&["hooks", "set", "shop", "--path", "api", "--path", "web"]).await?;
    ensure!(set.contains("api") && set.contains("web") && set.contains("main"), "what is not named stays: {set}");
    let set = ada.json(&["hooks", "set", "shop", "--path", "all", "--branch", "own", "--enabled", "false"]).await?;
    ensure!(set["hook"]["settings"] == serde_json::json!({ "enabled": false }), "{set}");
    let first = made.split_whitespace().find(|word| word.starts_with("whsec_")).context("a secret")?;
    let rotated = ada.json(&["hooks", "rotate", "shop"]).await?;
    ensure!(rotated["secret"].as_str().is_some_and(|secret| secret != first), "{rotated}");

    // Without a terminal nobody is asked, and nothing is deleted.
    ada.fails(&["hooks", "delete", "shop"], 2, "cli.usage").await?;
    let gone = ada.ok(&["hooks", "delete", "shop", "--yes"]).await?;
    ensure!(gone.contains("No push deploys it any more."), "{gone}");
    ada.fails(&["hooks", "delete", "shop", "--yes"], 1, "hook.none").await?;
    served.stop().await;
    plane.stop().await;
    Ok(())
}
