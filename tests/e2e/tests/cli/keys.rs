//! `serverflow keys`, and an AI agent at a command line of its own.

use anyhow::{Context, Result, ensure};
use sf_testkit::Plane;

use crate::ADMIN;
use crate::people::NOBODY;
use crate::world::Served;

#[tokio::test]
async fn an_ai_agent_asks_by_a_key_of_its_own_and_decides_nothing() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    plane.app(&admin, node.id(), "shop").await?;
    let served = Served::start(&plane).await?;
    let (ada, bot) = (served.person().await?, served.person().await?);
    ada.signs_in(ADMIN).await?;
    let made = ada.ok(&["keys", "create", "ci", "--scope", "app:view", "--from", "192.0.2.0/24"]).await?;
    ensure!(made.contains("ci, until") && made.contains("\n  sf_") && made.contains("Whoever has it"), "{made}");
    let made = ada.json(&["keys", "create", "deployer", "--ai", "--days", "2"]).await?;
    ensure!(made["token"]["speaksFor"] == "ai", "{made}");
    ada.fails(&["keys", "create", "x", "--days", "0"], 2, "value.refused").await?;
    let listed = ada.ok(&["keys"]).await?;
    for part in ["deployer", "an AI agent", "a program", "app:view"] {
        ensure!(listed.contains(part), "{part}: {listed}");
    }

    let secret = made["secret"].as_str().context("a text")?;
    let said = bot.says(&["login", "--token-stdin"], secret).await?;
    ensure!(said.code == 0, "{said:?}");
    let opened = bot.json(&["deploy", "shop", "--confidence", "95", "--no-follow"]).await?;
    ensure!(opened["state"] == "waiting" && opened["actor"]["kind"] == "ai", "{opened}");
    ensure!(opened["policy"]["inputs"]["report"]["score"] == 95, "{opened}");
    let unread = bot.run(&["deploy", "shop", "--confidence", "NaN", "--no-follow"]).await?;
    ensure!(unread.code == 2 && unread.err.contains("0 to 100"), "{unread:?}");
    let run = opened["id"].as_str().context("an id")?;
    for args in [&["inbox"][..], &["keys"], &["keys", "create", "more"], &["keys", "create", "more", "--ai"]] {
        bot.fails(args, 4, "actor.not_a_person").await?;
    }
    let inbox = ada.ok(&["inbox"]).await?;
    ensure!(inbox.contains("deployer, AI agent of Admin"), "{inbox}");
    ada.ok(&["inbox", "reject", run]).await?;

    ada.ok(&["keys", "revoke", "deployer"]).await?;
    ensure!(bot.run(&["apps"]).await?.code == 4);
    ada.fails(&["keys", "revoke", "deployer"], 1, "token.not_found").await?;
    ada.fails(&["keys", "revoke", NOBODY], 1, "token.not_found").await?;
    served.stop().await;
    plane.stop().await;
    Ok(())
}
