//! `serverflow secrets`.

use anyhow::{Result, ensure};
use sf_actions::app::{AppAction, Settings, Update};
use sf_actions::{Action, Permission, Variable};
use sf_testkit::Plane;

use crate::ADMIN;
use crate::people::NOBODY;
use crate::world::{Served, person_with};

const VALUE: &str = "canary-5d1f8b3a7c";

#[tokio::test]
async fn secrets_are_kept_listed_and_deleted_and_never_shown() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    ensure!(ada.ok(&["secrets"]).await?.contains("There is no secret. Make one: serverflow secrets set NAME"));
    ensure!(ada.json(&["secrets", "list"]).await?.as_array().is_some_and(Vec::is_empty));
    ada.fails(&["secrets", "delete", "pay-key", "--yes"], 1, "secret.not_found").await?;

    let set = ada.says(&["secrets", "set", "pay-key", "--description", "for the till"], VALUE).await?;
    ensure!(set.code == 0 && set.out.contains("pay-key is kept, version 1."), "{set:?}");
    let settings = Settings {
        env: vec![Variable::secret("PAY", "pay-key".parse()?)],
        ..Settings::of("https://git.example.org/a")
    };
    plane.propose(&admin, Action::App(AppAction::Update(Box::new(Update { app, settings, from: None })))).await?;
    let set = ada.says(&["--json", "secrets", "set", "pay-key"], &format!("{VALUE}2\n")).await?;
    ensure!(set.code == 0 && set.out.contains("\"version\": 2") && !set.out.contains(VALUE), "{set:?}");
    let set = ada.says(&["secrets", "set", "pay-key"], VALUE).await?;
    ensure!(set.out.contains("version 3. Deploy or restart shop to use it."), "{set:?}");
    for (name, value) in [("pay-key", ""), ("pay-key", &*"x".repeat(60_000)), ("no name", VALUE)] {
        let refused = ada.says(&["secrets", "set", name], value).await?;
        ensure!(refused.code == 2 && refused.err.contains("do:") && !refused.err.contains(VALUE), "{refused:?}");
    }

    let listed = ada.ok(&["secrets"]).await?;
    for part in ["NAME", "pay-key", "3", "shop", "for the till"] {
        ensure!(listed.contains(part), "{listed}");
    }
    let listed = ada.json(&["secrets", "list", "--q", "pay"]).await?;
    ensure!(listed[0]["version"] == 3 && !listed.to_string().contains(VALUE), "{listed}");
    ensure!(ada.json(&["secrets", "list", "--q", "other"]).await?.as_array().is_some_and(Vec::is_empty));

    // Without a terminal nobody is asked, and nothing is deleted.
    let said = ada.fails(&["secrets", "delete", "pay-key"], 2, "cli.usage").await?;
    ensure!(said.contains("--yes"), "{said}");
    let said = ada.fails(&["secrets", "delete", "pay-key", "--yes"], 1, "secret.in_use").await?;
    ensure!(said.contains("shop"), "{said}");
    let said = ada.fails(&["secrets", "delete", "pay", "--yes"], 1, "secret.not_found").await?;
    ensure!(said.contains("There are: pay-key."), "{said}");
    ada.fails(&["secrets", "delete", NOBODY, "--yes"], 1, "secret.not_found").await?;
    let unused = Action::App(AppAction::Update(Box::new(Update {
        app,
        settings: Settings::of("https://git.example.org/a"),
        from: None,
    })));
    plane.propose(&admin, unused).await?;
    ensure!(ada.ok(&["secrets", "delete", "pay-key", "--yes"]).await?.contains("pay-key is deleted."));
    ensure!(ada.json(&["secrets"]).await?.as_array().is_some_and(Vec::is_empty));

    person_with(&plane, "bo@example.org", &[Permission::TokenManage, Permission::SecretView]).await?;
    let bo = served.person().await?;
    bo.fails(&["secrets"], 4, "cli.signed_out").await?;
    bo.signs_in("bo@example.org").await?;
    let set = ada.says(&["--json", "secrets", "set", "other"], VALUE).await?;
    ensure!(set.code == 0, "{set:?}");
    ensure!(bo.ok(&["secrets"]).await?.contains("other"));
    bo.fails(&["secrets", "delete", "other", "--yes"], 4, "permission.missing").await?;
    let refused = bo.says(&["secrets", "set", "other"], VALUE).await?;
    ensure!(refused.code == 4 && refused.err.contains("secret:"), "{refused:?}");
    let _authority = served.stop().await;
    ada.fails(&["secrets"], 6, "cli.unreachable").await?;
    ada.fails(&["secrets", "delete", "other", "--yes"], 6, "cli.unreachable").await?;
    plane.stop().await;
    Ok(())
}
