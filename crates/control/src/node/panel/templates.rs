//! Templates: Ctrls and Alts. A document is judged whenever one is written, and kept in `sf_template`'s own words.

use sf_actions::alert::RuleScope;
use sf_actions::template::TemplateAction;
use sf_engine::Run;
use sf_store::alts::Written;
use sf_store::{Look, Tx, alts, ctrls, servers};
use sf_template::Alt;
use sf_types::{AltId, ErrorKind, Fault, Name};

use crate::perform::name_taken;
use crate::proposal::Made;

/// Carries out a change of templates.
pub(super) async fn perform(tx: &mut Tx, run: &Run, action: &TemplateAction) -> sf_store::Result<Made> {
    match action {
        TemplateAction::CreateCtrl(create) => {
            let made = ctrls::create(tx, run.tenant, &create.name, &create.description).await;
            Ok(Made::Ctrl(made.map_err(|error| name_taken(error, create.name.as_str()))?.id))
        }
        TemplateAction::UpdateCtrl(update) => {
            let changed = ctrls::update(tx, update.ctrl, &update.name, &update.description).await;
            changed.map_err(|error| name_taken(error, update.name.as_str()))?;
            Ok(Made::Ctrl(update.ctrl))
        }
        TemplateAction::DeleteCtrl(of) => {
            let has = alts::count_of_ctrl(tx, of.ctrl).await?;
            if has > 0 {
                let message = format!("This category has {has} templates.");
                let fault = Fault::new(ErrorKind::Conflict, "ctrl.has_alts", message);
                return Err(fault.fix("Delete them first.").into());
            }
            ctrls::delete(tx, of.ctrl).await?;
            Ok(Made::Nothing)
        }
        TemplateAction::CreateAlt(create) => {
            let written = written(run, &create.document)?;
            let name = written.name.clone();
            let made = alts::create(tx, create.ctrl, written, create.source.clone()).await;
            Ok(Made::Alt(made.map_err(|error| name_taken(error, name.as_str()))?.id))
        }
        TemplateAction::UpdateAlt(update) => {
            let before = alts::get(tx, update.alt).await?;
            if update.from.is_some_and(|from| from != before.version) {
                let message = format!("There is a version {} of this template meanwhile.", before.version);
                let fault = Fault::new(ErrorKind::Conflict, "alt.changed", message);
                return Err(fault.fix("Read it again, and make your change on top of it.").into());
            }
            let written = written(run, &update.document)?;
            let name = written.name.clone();
            let made = alts::update(tx, update.alt, written).await;
            made.map_err(|error| name_taken(error, name.as_str()))?;
            Ok(Made::Alt(update.alt))
        }
        TemplateAction::DeleteAlt(of) => {
            let used = servers::count_of_alt(tx, of.alt).await?;
            if used > 0 {
                let message = format!("{used} servers are made from this template.");
                let fault = Fault::new(ErrorKind::Conflict, "alt.in_use", message);
                return Err(fault.fix("Delete them first.").into());
            }
            super::rules::forget(tx, run.tenant, RuleScope::Alt(of.alt)).await?;
            alts::delete(tx, of.alt).await?;
            Ok(Made::Nothing)
        }
    }
}

/// A document as it is kept, or what is wrong with it.
fn written(run: &Run, document: &serde_json::Value) -> Result<Written, Fault> {
    let alt = judged(document)?;
    let name: Name =
        alt.name.parse().map_err(|error| bad("document.name", &format!("{error}"), "Give it another one."))?;
    let document = serde_json::to_value(&alt)
        .map_err(|error| Fault::new(ErrorKind::Internal, "alt.unwritable", error.to_string()))?;
    Ok(Written { name, hash: alt.hash(), document, by: run.actor.user() })
}

/// Reads a template and refuses one that no server could be made from.
pub(crate) fn judged(document: &serde_json::Value) -> Result<Alt, Fault> {
    Alt::read(&document.to_string()).map_err(|defects| {
        let Some(first) = defects.first() else { return bad("document", "It was refused.", "Mend it.") };
        let more = match defects.len() {
            1 => String::new(),
            all => format!(" There are {} more such findings.", all - 1),
        };
        let place = if first.place.is_empty() { String::new() } else { format!(".{}", first.place) };
        bad(&format!("document{place}"), &format!("{}{more}", first.message), &first.fix)
    })
}

fn bad(field: &str, why: &str, fix: &str) -> Fault {
    crate::proposal::refused(&sf_actions::Refused::new(field, why)).fix(fix)
}

/// A version of a template as it was written.
pub(crate) async fn document(at: &impl Look, alt: AltId, version: u32) -> sf_store::Result<Alt> {
    let row = alts::version(at, alt, version).await?;
    serde_json::from_value(row.document.0)
        .map_err(|error| Fault::new(ErrorKind::Internal, "alt.unreadable", error.to_string()).into())
}
