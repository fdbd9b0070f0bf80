//! Eggs: templates of Pterodactyl and Pelican, read and written. Nothing is kept by reading one.

use axum::extract::State;
use serde::Deserialize;
use sf_template::Alt;
use sf_template::egg::{self, Encoding, Format, Origin};
use sf_types::{AltId, ErrorKind, Fault};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::state::Api;
use crate::view::panel::template::{AltFindingsView, EggTextView, EggView};

/// The text of an egg.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EggFile)]
pub struct EggText {
    /// The file as it is, JSON or YAML.
    text: String,
}

/// The text of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AltText {
    /// JSON.
    text: String,
}

/// How an egg is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedEgg {
    /// `PTDL_v1`, `PTDL_v2`, `PLCN_v1`, `PLCN_v2` or `PLCN_v3`; the last one where absent.
    format: Option<String>,
    /// As YAML in place of JSON.
    yaml: Option<bool>,
}

/// Says what an egg would become, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/alts/read", tag = "templates", operation_id = "readEgg",
    request_body = EggText, responses((status = 200, body = Envelope<EggView>)))]
pub async fn read(_: Caller, Strict(body): Strict<EggText>) -> Result<EggView> {
    let found = egg::import(body.text.as_bytes()).map_err(|why| {
        let fault = Fault::new(ErrorKind::Invalid, "alt.no_egg", format!("This is no egg: {why}."));
        fault.fix("Choose a file that Pterodactyl or Pelican has exported, JSON or YAML.")
    })?;
    Ok(ok(EggView::from(found)))
}

/// Says everything that is wrong with a template, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/alts/lint", tag = "templates", operation_id = "lintAlt",
    request_body = AltText, responses((status = 200, body = Envelope<AltFindingsView>)))]
pub async fn lint(_: Caller, Strict(body): Strict<AltText>) -> Result<AltFindingsView> {
    Ok(ok(AltFindingsView::of(Alt::read(&body.text))))
}

/// A template's newest version as an egg.
#[utoipa::path(get, path = "/api/v1/alts/{id}/egg", tag = "templates", operation_id = "getEgg",
    params(("id" = uuid::Uuid, Path), WantedEgg), responses((status = 200, body = Envelope<EggTextView>)))]
pub async fn write(
    State(api): State<Api>,
    caller: Caller,
    Id(alt): Id<AltId>,
    Asked(wanted): Asked<WantedEgg>,
) -> Result<EggTextView> {
    let format: Format =
        wanted.format.as_deref().unwrap_or(Format::PlcnV3.word()).parse().map_err(|why: egg::NoEgg| {
            Fault::new(ErrorKind::Invalid, "query.format", format!("There is no such format: {why}."))
        })?;
    let (_, version) = api.control().alt(&caller.actor, alt, None).await?;
    let encoding = if wanted.yaml.unwrap_or(false) { Encoding::Yaml } else { Encoding::Json };
    let alt = Alt::read(&version.document.0.to_string()).map_err(|_| {
        Fault::new(ErrorKind::Internal, "alt.unreadable", "This version of the template cannot be read any more.")
    })?;
    let text = egg::export(&alt, &Origin::default(), format, encoding);
    Ok(ok(EggTextView { format: format.word().to_owned(), text }))
}
