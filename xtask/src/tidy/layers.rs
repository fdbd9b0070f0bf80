//! Libraries that live in one layer: SQL in the store, the HTTP server at the edges. `floors` checks the manifests; this
//! also sees what comes in through a re-export.

use super::Finding;
use crate::source::Source;

struct Layer {
    path: &'static str,
    rule: &'static str,
    home: fn(&str) -> bool,
    advice: &'static str,
}

const SQL: &str = "every line of SQL lives in crates/store: add a method on a noun there and call that";

const LAYERS: &[Layer] = &[
    Layer { path: "sqlx::", rule: "sql", home: |package| package == "crates/store", advice: SQL },
    Layer { path: "sea_orm::", rule: "sql", home: |package| package == "crates/store", advice: SQL },
    Layer { path: "sea_orm_migration::", rule: "sql", home: |package| package == "crates/store", advice: SQL },
    Layer {
        path: "axum::",
        rule: "http-server",
        home: |package| {
            matches!(package, "crates/api" | "crates/mcp" | "crates/testkit") || package.starts_with("bin/")
        },
        advice: "axum belongs to api, mcp, testkit and the binaries: keep this crate free of HTTP",
    },
];

pub fn check(source: &Source) -> Vec<Finding> {
    let foreign = LAYERS.iter().filter(|layer| !(layer.home)(source.package()));
    let findings = foreign.flat_map(|layer| {
        source.find(layer.path).filter_map(|at| source.finding(at, layer.rule, layer.advice)).collect::<Vec<_>>()
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn libraries_are_found_outside_their_layer() {
        for (path, text, expected) in [
            ("crates/control/src/a.rs", "\nuse sqlx::query;", vec!["2 sql"]),
            ("crates/api/src/a.rs", "fn a(b: sf_store::sea_orm::Value) {}", vec!["1 sql"]),
            ("crates/store/src/a.rs", "use sqlx::query;\nuse sea_orm::Value;", vec![]),
            ("crates/gateway/src/a.rs", "use axum::Router;", vec!["1 http-server"]),
            ("crates/api/src/a.rs", "use axum::Router;", vec![]),
            ("bin/serverflow/src/a.rs", "use axum::Router;", vec![]),
            ("crates/control/src/a.rs", "// sqlx::query\nlet a = \"axum::Router\";", vec![]),
        ] {
            assert_eq!(found(check(&Source::new(path, text))), expected, "{path}: {text}");
        }
    }
}
