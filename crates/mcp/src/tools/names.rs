//! From what a model calls a thing to the thing: by id, by name, by domain or address. Two that fit are told, never guessed.

use serde_json::Value;
use sf_types::{ErrorKind, Fault};

use super::asked::{Asked, Result, encoded};
use super::output::{rows, text};

/// Candidates told at the most.
const MAX_CANDIDATES: usize = 8;
/// Rows of each kind that are looked at.
const LOOKED_AT: usize = 50;

/// What something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    App,
    Server,
    Node,
    Domain,
    Workflow,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::App, Self::Server, Self::Node, Self::Domain, Self::Workflow];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Server => "server",
            Self::Node => "node",
            Self::Domain => "domain",
            Self::Workflow => "workflow",
        }
    }

    /// Its route.
    pub(super) const fn route(self) -> &'static str {
        match self {
            Self::App => "apps",
            Self::Server => "servers",
            Self::Node => "nodes",
            Self::Domain => "proxies",
            Self::Workflow => "workflows",
        }
    }

    /// What it is called in its view.
    pub(super) fn name(self, view: &Value) -> &str {
        text(view, if self == Self::Domain { "/domain" } else { "/name" })
    }
}

/// Something that was meant.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) view: Value,
}

impl Thing {
    pub(super) fn name(&self) -> &str {
        self.kind.name(&self.view)
    }

    /// `/apps/{id}` with what follows.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/{}/{}{rest}", self.kind.route(), self.id)
    }
}

/// What a text means, among things of these kinds.
///
/// # Errors
/// Nothing is called that, or more than one thing: the candidates are told.
pub(super) async fn resolve(asked: &Asked<'_>, kinds: &[Kind], called: &str) -> Result<Thing> {
    let called = bare(called);
    if called.len() == 36 && called.matches('-').count() == 4 {
        for kind in kinds {
            let view = asked.maybe(&format!("/{}/{}", kind.route(), encoded(called))).await;
            if view.is_object() {
                return Ok(Thing { kind: *kind, id: called.to_owned(), view });
            }
        }
        return Err(unknown(asked, kinds, called, &[]).into());
    }
    let near = like(asked, kinds, called).await?;
    let mut exact: Vec<Thing> = near.iter().filter(|thing| is_called(thing, called)).cloned().collect();
    match (exact.pop(), exact.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            exact.push(last);
            Err(ambiguous(asked, called, &exact).into())
        }
        (None, _) => match resolve_by_domain(asked, kinds, called).await? {
            Some(thing) => Ok(thing),
            None => Err(unknown(asked, kinds, called, &near).into()),
        },
    }
}

/// Things whose name holds a text.
pub(super) async fn like(asked: &Asked<'_>, kinds: &[Kind], text: &str) -> Result<Vec<Thing>> {
    let mut found = Vec::new();
    for kind in kinds {
        let views = asked.maybe(&format!("/{}?limit={LOOKED_AT}&q={}", kind.route(), encoded(text))).await;
        let things = rows(&views).iter().filter_map(|view| {
            let id = view.get("id")?.as_str()?.to_owned();
            Some(Thing { kind: *kind, id, view: view.clone() })
        });
        found.extend(things);
    }
    Ok(found)
}

/// An app by a domain that leads to it.
async fn resolve_by_domain(asked: &Asked<'_>, kinds: &[Kind], called: &str) -> Result<Option<Thing>> {
    if !kinds.contains(&Kind::App) || !called.contains('.') {
        return Ok(None);
    }
    let domains = like(asked, &[Kind::Domain], called).await?;
    let Some(domain) = domains.iter().find(|domain| is_called(domain, called)) else { return Ok(None) };
    let id = text(&domain.view, "/appId").to_owned();
    let view = asked.data(&format!("/apps/{id}")).await?;
    Ok(Some(Thing { kind: Kind::App, id, view }))
}

fn is_called(thing: &Thing, called: &str) -> bool {
    let host = thing.kind == Kind::Node && text(&thing.view, "/host").eq_ignore_ascii_case(called);
    let aliases = thing.view.pointer("/settings/aliases").map(rows).unwrap_or_default();
    let alias = thing.kind == Kind::Domain
        && aliases.iter().filter_map(Value::as_str).any(|alias| alias.eq_ignore_ascii_case(called));
    host || alias || thing.name().eq_ignore_ascii_case(called)
}

/// Without what people put around a domain.
fn bare(called: &str) -> &str {
    let called = called.trim();
    let Some(rest) = called.strip_prefix("https://").or_else(|| called.strip_prefix("http://")) else { return called };
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn ambiguous(asked: &Asked<'_>, called: &str, candidates: &[Thing]) -> Fault {
    let message = format!("{} things are called `{}`.", candidates.len(), short(called));
    Fault::new(ErrorKind::Conflict, "name.ambiguous", message)
        .fix(format!("Call it by its id: {}.", listed(asked, candidates)))
}

fn unknown(asked: &Asked<'_>, kinds: &[Kind], called: &str, near: &[Thing]) -> Fault {
    let words: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
    let message = format!("No {} that you may see is called `{}`.", words.join(" or "), short(called));
    let fix = match near {
        [] => "Ask `find` with a part of the name.".to_owned(),
        near => format!("Near it: {}.", listed(asked, near)),
    };
    Fault::new(ErrorKind::NotFound, "name.unknown", message).fix(fix)
}

fn listed(asked: &Asked<'_>, things: &[Thing]) -> String {
    let one = |thing: &Thing| format!("{} {} ({})", thing.kind.word(), asked.fence.name(thing.name()), thing.id);
    things.iter().take(MAX_CANDIDATES).map(one).collect::<Vec<_>>().join(", ")
}

fn short(called: &str) -> String {
    called.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_put_around_a_domain() {
        for called in ["shop.example.org", " https://shop.example.org/path?x#y ", "http://shop.example.org"] {
            assert_eq!(bare(called), "shop.example.org");
        }
    }

    #[test]
    fn a_thing_is_called_by_its_name_its_host_or_an_alias() {
        let check = |kind, view: Value, called: &str, expected: bool| {
            let thing = Thing { kind, id: String::new(), view };
            assert_eq!(is_called(&thing, called), expected, "{thing:?} {called}");
        };
        check(Kind::App, json!({ "name": "shop" }), "Shop", true);
        check(Kind::App, json!({ "name": "shop" }), "sho", false);
        check(Kind::App, json!({ "name": "shop", "host": "eu" }), "eu", false);
        check(Kind::Node, json!({ "name": "eu-1", "host": "vps.example.org" }), "vps.example.org", true);
        let domain = json!({ "domain": "a.example.org", "settings": { "aliases": ["www.a.example.org"] } });
        check(Kind::Domain, domain.clone(), "www.a.example.org", true);
        check(Kind::Domain, domain, "b.example.org", false);
    }
}
