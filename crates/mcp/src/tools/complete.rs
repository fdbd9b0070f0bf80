//! How an argument could go on: names of things that the caller sees.

use super::Tools;
use super::input::Input;
use super::names::{Kind, like};
use super::output::is_plain;
use crate::call::{Caller, PartOf, Partial};

/// Values told at the most.
const MAX_VALUES: usize = 100;

pub(super) async fn values(tools: &Tools, caller: &Caller, partial: &Partial) -> Vec<String> {
    let (kinds, by_id) = wanted(partial);
    if kinds.is_empty() {
        return Vec::new();
    }
    let asked = tools.asked(caller, tools.request(), Input::none());
    let things = like(&asked, kinds, &partial.value).await.unwrap_or_default();
    let starts = |name: &str| name.to_lowercase().starts_with(&partial.value.to_lowercase());
    // A name that is a sentence is not offered: it would be read outside of any boundary.
    let mut found: Vec<_> = things.into_iter().filter(|thing| is_plain(thing.name())).collect();
    found.sort_by_key(|thing| (!starts(thing.name()), thing.name().to_owned()));
    found.truncate(MAX_VALUES);
    found.into_iter().map(|thing| if by_id { thing.id } else { thing.name().to_owned() }).collect()
}

/// Things of which kinds, and whether their ids are meant.
fn wanted(partial: &Partial) -> (&'static [Kind], bool) {
    match (&partial.of, partial.argument.as_str()) {
        (PartOf::Template(template), "id") if template == "serverflow://apps/{id}" => (&[Kind::App], true),
        (PartOf::Template(template), "id") if template == "serverflow://servers/{id}" => (&[Kind::Server], true),
        (PartOf::Prompt(_), "target") => (&[Kind::App, Kind::Server, Kind::Node], false),
        (PartOf::Prompt(_), "app") => (&[Kind::App], false),
        _ => (&[], false),
    }
}
