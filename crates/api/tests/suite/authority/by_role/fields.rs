//! Bodies hold what is asked for and nothing that decides who one is: every route that takes one, with every such field.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;

use super::Things;
use crate::authority::{described, routes};
use crate::world::World;

const FIELDS: &[&str] =
    &["role", "tenantId", "tenant_id", "ownerId", "userId", "actor", "speaksFor", "permissions", "isAdmin"];

/// One test for each part of the table, which is a thousand requests. Written as a macro, so that there are as many parts as
/// tests and none can be forgotten.
macro_rules! parts {
    ($($test:ident)*) => {
        const PARTS: &[&str] = &[$(stringify!($test)),*];
        $(
            #[tokio::test]
            async fn $test() {
                no_body_takes_a_field_that_decides_who_one_is(stringify!($test)).await;
            }
        )*
    };
}

parts! { no_body_takes_a_field_a no_body_takes_a_field_b no_body_takes_a_field_c }

/// The routes of one part: every third one or so, in the order of the description.
fn part(test: &str) -> Vec<(Method, String)> {
    let at = PARTS.iter().position(|part| *part == test).expect("it is one of them");
    let with_bodies =
        routes().into_iter().filter(|(method, path)| *method != Method::GET && takes_a_body(method, path));
    with_bodies.skip(at).step_by(PARTS.len()).collect()
}

fn takes_a_body(method: &Method, path: &str) -> bool {
    described()["paths"][path][method.as_str().to_lowercase()].get("requestBody").is_some()
}

#[test]
fn the_parts_are_all_routes_with_bodies() {
    let mut seen = BTreeSet::new();
    for (method, path) in PARTS.iter().flat_map(|test| part(test)) {
        assert!(seen.insert(format!("{method} {path}")), "{method} {path} stands in two parts");
    }
    let mut all = BTreeSet::new();
    for (path, item) in described()["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().iter().filter(|(_, route)| route.get("requestBody").is_some());
        all.extend(methods.map(|(method, _)| format!("{} {path}", method.to_uppercase())));
    }
    assert_eq!(seen, all);
    assert!(all.len() > 100, "{} routes take bodies", all.len());
}

async fn no_body_takes_a_field_that_decides_who_one_is(test: &str) {
    let world = World::new().await;
    let things = Things::make(&world).await;
    let mut asked = 0;
    for (method, path) in part(test) {
        for field in FIELDS {
            let mut body = things.body(&method, &path).unwrap_or_else(|| json!({}));
            let object = body.as_object_mut().unwrap();
            // Where it is asked for, it is no stranger.
            let known = (path.ends_with("/invitations") || path.ends_with("/grants")) && *field == "role"
                || path.ends_with("/tokens") && *field == "speaksFor"
                || (path.ends_with("/grants") || path.contains("/roles")) && *field == "permissions";
            if known || object.contains_key(*field) {
                continue;
            }
            object.insert((*field).to_owned(), json!("owner"));
            let answer = world.call(method.clone(), &things.path(&path), Some(body)).await;
            let taken = answer.status.is_success();
            assert!(!taken, "{method} {path} takes `{field}`: {}", answer.body);
            asked += 1;
        }
    }
    assert!(asked > 200, "{asked} bodies");
}
