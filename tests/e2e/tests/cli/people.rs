//! `serverflow users` and `serverflow mail`.

use anyhow::{Context, Result, ensure};
use sf_actions::Permission;
use sf_control::{MailOptions, Security};
use sf_testkit::Plane;

use crate::ADMIN;
use crate::world::{Served, person_with};

/// An id that nothing has.
pub const NOBODY: &str = "01990000-0000-7000-8000-000000000000";

#[tokio::test]
async fn people_are_invited_suspended_reinstated_and_removed() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    person_with(&plane, "bo@example.org", &[Permission::TokenManage, Permission::AppView]).await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;

    let listed = ada.ok(&["users"]).await?;
    ensure!(listed.contains("EMAIL") && listed.contains(ADMIN) && listed.contains("bo@example.org"), "{listed}");
    let listed = ada.json(&["users", "list", "--state", "active"]).await?;
    ensure!(listed.as_array().map(Vec::len) == Some(2), "{listed}");
    ensure!(ada.ok(&["users", "list", "--state", "suspended"]).await?.trim() == "Nobody.");
    ada.fails(&["users", "list", "--state", "asleep"], 2, "query.state").await?;

    let invited = ada.ok(&["users", "invite", "cy@example.org", "--role", "developer"]).await?;
    ensure!(invited.contains("cy@example.org may join as developer") && invited.contains("#sfi_"), "{invited}");
    ensure!(invited.contains("There is no mail server: give them the link yourself."), "{invited}");
    let invited = ada.json(&["users", "invite", "di@example.org"]).await?;
    ensure!(invited["invitation"]["role"] == "viewer" && invited["mailed"] == false, "{invited}");
    ada.fails(&["users", "invite", "nobody"], 2, "body.field").await?;
    ada.fails(&["users", "invite", "ed@example.org", "--role", "king"], 2, "body.field").await?;
    ada.fails(&["users", "invite", "ed@example.org", "--object", "app"], 2, "cli.usage").await?;
    ada.fails(&["users", "invite", "ed@example.org", "--object", "boat:1"], 2, "body.field").await?;
    let gone = format!("app:{NOBODY}");
    ada.fails(&["users", "invite", "ed@example.org", "--object", &gone], 1, "app.not_found").await?;

    let bo = served.person().await?;
    bo.signs_in("bo@example.org").await?;
    let done = ada.ok(&["users", "suspend", "Bo@Example.org"]).await?;
    ensure!(done.contains("is signed out everywhere and cannot sign in"), "{done}");
    bo.fails(&["users"], 4, "token.revoked").await?;
    let listed = ada.json(&["users", "list", "--state", "suspended"]).await?;
    let id = listed[0]["id"].as_str().context("an id")?;
    ensure!(listed[0]["email"] == "bo@example.org", "{listed}");
    ensure!(ada.ok(&["users", "reinstate", id]).await?.contains("may sign in again"));
    bo.signs_in("bo@example.org").await?;
    ensure!(ada.ok(&["users", "remove", "bo@example.org"]).await?.contains("is removed"));
    ada.fails(&["users", "remove", id], 1, "user.not_found").await?;

    for verb in ["suspend", "reinstate", "remove"] {
        let said = ada.fails(&["users", verb, "who@example.org"], 1, "user.not_found").await?;
        ensure!(said.contains("serverflow users"), "{said}");
        ada.fails(&["users", verb, NOBODY], 1, "user.not_found").await?;
    }
    ada.fails(&["users", "remove", ADMIN], 1, "user.self").await?;
    let _authority = served.stop().await;
    let said = ada.fails(&["users"], 6, "cli.unreachable").await?;
    ensure!(said.contains("serverflow server"), "{said}");
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_may_not_look_after_people_is_told_which_right_is_missing() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    person_with(&plane, "bo@example.org", &[Permission::TokenManage, Permission::UserView]).await?;
    let served = Served::start(&plane).await?;
    let bo = served.person().await?;
    bo.fails(&["users"], 4, "cli.signed_out").await?;
    bo.signs_in("bo@example.org").await?;
    ensure!(bo.ok(&["users"]).await?.contains(ADMIN));
    for args in [&["users", "suspend", ADMIN][..], &["users", "remove", ADMIN], &["users", "invite", "x@example.org"]] {
        let said = bo.fails(args, 4, "permission.missing").await?;
        ensure!(said.contains("user:") || said.contains("admin:"), "{said}");
    }
    for args in [&["mail"][..], &["mail", "test", "x@example.org"]] {
        bo.fails(args, 4, "permission.missing").await?;
    }
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn mail_tells_what_stands_in_its_way() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    ensure!(ada.ok(&["mail"]).await?.contains("There is no mail server"));
    ensure!(ada.json(&["mail", "show"]).await?["configured"] == false);
    let said = ada.fails(&["mail", "test", ADMIN], 1, "mail.not_configured").await?;
    ensure!(said.contains("serverflow.toml"), "{said}");
    served.stop().await;

    // A server that is away: what was to go waits, and the reason is shown.
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let mail = MailOptions {
        host: "localhost".to_owned(),
        port: Some(away),
        security: Security::None,
        user: None,
        password: None,
        from: "ServerFlow <serverflow@example.org>".to_owned(),
        ca: None,
        send_within: sf_control::mail::SEND_TIMEOUT,
    };
    let plane = plane.reconfigured(|options| options.mail = Some(mail)).await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    ada.fails(&["mail", "test", "nobody"], 2, "body.field").await?;
    let sent = ada.ok(&["mail", "test", ADMIN]).await?;
    ensure!(sent.contains("A letter is on its way to admin@example.org") && sent.contains("serverflow mail"), "{sent}");
    let shown = loop {
        let shown = ada.json(&["mail"]).await?;
        if shown["lastError"].is_string() {
            break shown;
        }
    };
    ensure!(shown["waiting"] == 1 && shown["host"] == "localhost", "{shown}");
    let shown = ada.ok(&["mail"]).await?;
    for part in ["localhost", "ServerFlow <serverflow@example.org>", "waiting", "refused"] {
        ensure!(shown.contains(part), "{shown}");
    }
    let _authority = served.stop().await;
    ada.fails(&["mail"], 6, "cli.unreachable").await?;
    ada.fails(&["mail", "test", ADMIN], 6, "cli.unreachable").await?;
    plane.stop().await;
    Ok(())
}
