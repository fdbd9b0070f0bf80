//! `serverflow apps previews`, with a node that carries it out.

use anyhow::{Result, ensure};
use sf_testkit::{Plane, Script};

use crate::ADMIN;
use crate::world::Served;

#[tokio::test]
async fn a_branch_is_previewed_served_kept_longer_and_deleted_and_its_app_is_left_alone() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.app(&admin, node.id(), "shop").await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    let none = ada.ok(&["apps", "previews", "list", "shop"]).await?;
    ensure!(none.contains("serverflow apps previews set shop --base"), "{none}");
    ada.fails(&["apps", "previews", "create", "shop", "feature/x"], 1, "preview.off").await?;
    ada.fails(&["apps", "previews", "set", "shop"], 2, "cli.usage").await?;
    let (base, wide) = (["--base", "preview.example.org"], ["--branches", "feature/*"]);
    let set = ["apps", "previews", "set", "shop", base[0], base[1], wide[0], wide[1], "--certificate", "none"];
    let planned = ada.ok(&[&set[..], &["--dry-run"]].concat()).await?;
    ensure!(planned.contains("Nothing was done") && planned.contains("nothing of production's"), "{planned}");
    ada.ok(&set).await?;
    let set = ada.ok(&["apps", "previews", "set", "shop", "--days", "3"]).await?;
    ensure!(set.contains("feature/*"), "what is not named stays: {set}");
    let made = ada.ok(&["apps", "previews", "create", "shop", "feature/x"]).await?;
    ensure!(made.contains("http://feature-x-shop.preview.example.org"), "{made}");
    // Deployed, and then served, without anybody asking.
    let shown = loop {
        let shown = ada.json(&["apps", "previews", "list", "shop"]).await?;
        if shown["previews"][0]["isServed"] == true {
            break shown;
        }
        ensure!(shown["previews"][0]["problem"].is_null(), "{shown}");
        // tidy: sleep because a program is asked, as a person would, and asks nobody to wait
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    ensure!(shown["previews"][0]["state"] == "running", "{shown}");
    let apps = ada.ok(&["apps"]).await?;
    ensure!(apps.contains("feature-x-shop (preview)"), "{apps}");
    let listed = ada.ok(&["domains"]).await?;
    ensure!(listed.contains("feature-x-shop.preview.example.org"), "{listed}");
    ada.ok(&["apps", "previews", "extend", "feature-x-shop", "--days", "30"]).await?;
    ada.fails(&["apps", "previews", "extend", "shop"], 1, "preview.none").await?;
    // Its own row, its domain and its files go; the app stays.
    ada.ok(&["apps", "previews", "delete", "feature-x-shop", "--yes"]).await?;
    let gone = ada.json(&["apps", "previews", "list", "shop"]).await?;
    ensure!(gone["previews"].as_array().is_some_and(Vec::is_empty), "{gone}");
    ensure!(!ada.ok(&["domains"]).await?.contains("feature-x-shop"));
    // An app takes its previews along.
    ada.ok(&["apps", "previews", "create", "shop", "feature/y"]).await?;
    ada.ok(&["apps", "delete", "shop", "--yes"]).await?;
    loop {
        let apps = ada.json(&["apps"]).await?;
        if apps.as_array().is_some_and(Vec::is_empty) {
            break;
        }
        // tidy: sleep because a program is asked, as a person would, and asks nobody to wait
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    session.cut().await;
    served.stop().await;
    plane.stop().await;
    Ok(())
}
