//! Narrowing a statement to what a reader sees ([`sf_types::Sight`]).

use sea_orm::Value;
use sf_types::Seen;
use uuid::Uuid;

use crate::sql::Sql;
use crate::tx::Look;

/// The expressions of a table that say where its rows stand.
#[derive(Debug)]
pub(crate) struct Places {
    /// The project that owns a row.
    pub(crate) project: &'static str,
    /// The machine it lives on, where it lives on one.
    pub(crate) node: Option<&'static str>,
    /// The app it belongs to, where it belongs to one.
    pub(crate) app: Option<&'static str>,
    /// The server of the panel it belongs to, where it belongs to one.
    pub(crate) server: Option<&'static str>,
}

impl Places {
    /// What stands in projects alone.
    pub(crate) const fn in_project(project: &'static str) -> Self {
        Self { project, node: None, app: None, server: None }
    }
}

impl Sql {
    /// Only rows that `at` sees.
    pub(crate) fn seen(self, at: &impl Look, places: &Places) -> Self {
        at.sight().layers().iter().fold(self, |sql, seen| sql.layer(seen, places))
    }

    fn layer(self, seen: &Seen, places: &Places) -> Self {
        let projects = seen.projects.iter().map(|id| id.uuid()).collect();
        let nodes = seen.nodes.iter().map(|id| id.uuid()).collect();
        let apps = seen.apps.iter().map(|id| id.uuid()).collect();
        let servers = seen.servers.iter().map(|id| id.uuid()).collect();
        let this = self.push(" AND (FALSE");
        let this = this.or_in(Some(places.project), projects).or_in(places.node, nodes).or_in(places.app, apps);
        this.or_in(places.server, servers).push(")")
    }

    /// ` OR place IN (...)`, where there is a place and somewhere to look.
    fn or_in(self, place: Option<&str>, ids: Vec<Uuid>) -> Self {
        let Some(place) = place.filter(|_| !ids.is_empty()) else { return self };
        let this = self.push(&format!(" OR {place} IN ("));
        let listed = ids
            .into_iter()
            .enumerate()
            .fold(this, |sql, (number, id)| sql.with(if number == 0 { "?" } else { ", ?" }, Value::from(id)));
        listed.push(")")
    }
}
