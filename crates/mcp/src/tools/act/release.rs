//! Deploy, and go back.

use serde_json::{Value, json};
use sf_types::ErrorKind;

use super::super::asked::{Asked, Result, Said, refuse};
use super::super::names::{Kind, resolve};
use super::super::output::{rows, text, whole};
use super::super::verdict::propose;
use super::{about, action};

pub(in crate::tools) async fn deploy(asked: &Asked<'_>) -> Result<Said> {
    let app = resolve(asked, &[Kind::App], asked.input.required("app")?).await?;
    let mut args = json!({ "app": app.id });
    for (argument, field) in [("ref", "reference"), ("commit", "commit")] {
        if let Some(value) = asked.input.text(argument) {
            args[field] = json!(value);
        }
    }
    propose(asked, action("app.deploy", args)?, &about(&app)).await
}

pub(in crate::tools) async fn rollback(asked: &Asked<'_>) -> Result<Said> {
    let app = resolve(asked, &[Kind::App], asked.input.required("app")?).await?;
    let mut args = json!({ "app": app.id });
    if let Some(wanted) = asked.input.text("release") {
        let releases = asked.data(&app.path("/releases?limit=200")).await?;
        let fits = |one: &&Value| text(one, "/id") == wanted || whole(one, "/number").to_string() == wanted;
        let Some(release) = rows(&releases).iter().find(fits) else {
            let fix = "`status` of the app lists its releases.";
            return refuse(ErrorKind::NotFound, "release.unknown", "The app has no such release.", fix);
        };
        args["release"] = release["id"].clone();
    }
    propose(asked, action("app.rollback", args)?, &about(&app)).await
}
