//! Several teams in one installation, for those who operate it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_control::tenancy;
use sf_store::audit::verifier::{Trust, Verifier};

use crate::sockets::until_cut;
use crate::world::{PASSWORD, World, id};

async fn several() -> World {
    let world = World::new().await;
    tenancy::switch(world.control.store(), true).await.unwrap();
    world
}

async fn make(world: &World, name: &str, owner: &str) -> (String, String) {
    let made = world.post("/api/v1/tenants", json!({ "name": name, "owner": owner })).await.expect(201);
    (id(&made["tenant"]), token_of(&made))
}

fn token_of(made: &Value) -> String {
    made["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

async fn join(world: &World, token: &str) -> crate::world::Answer {
    let body = json!({ "token": token, "name": "Oz", "password": PASSWORD });
    world.send(Method::POST, "/api/v1/auth/accept", None, Some(body)).await
}

#[tokio::test]
async fn a_team_is_made_and_its_owner_joins_by_a_link() {
    let world = several().await;
    let body = json!({ "name": "Second", "owner": "oz@example.org" });
    let plan = world.post("/api/v1/tenants?dryRun=true", body.clone()).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("oz@example.org"), "{plan}");
    assert_eq!(world.get("/api/v1/tenants").await.expect(200).as_array().unwrap().len(), 1, "a plan makes nothing");
    let (team, token) = make(&world, "Second", "oz@example.org").await;
    let seen = world.get(&format!("/api/v1/tenants/{team}")).await.expect(200);
    assert_eq!((&seen["owned"], &seen["people"], &seen["home"]), (&json!(false), &json!(0), &json!(false)));

    let joined = join(&world, &token).await.expect(200);
    let own = joined["accessToken"].as_str().unwrap();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(own), None).await.expect(200);
    assert_eq!((&me["tenant"]["id"], me.get("operator")), (&json!(team), None));
    assert!(me["permissions"].as_array().unwrap().iter().any(|one| one == "tenant:manage"), "an owner: {me}");
    let seen = world.get("/api/v1/tenants?q=SECO").await.expect(200);
    assert_eq!((&seen[0]["owned"], &seen[0]["people"]), (&json!(true), &json!(1)));
    assert_eq!(world.get("/api/v1/tenants?q=third").await.expect(200), json!([]));

    let again = world.post("/api/v1/tenants", json!({ "name": "Third", "owner": "oz@example.org" })).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "user.exists"));
    let more = json!({ "owner": "second@example.org" });
    let more = world.post(&format!("/api/v1/tenants/{team}/invite"), more).await;
    assert_eq!((more.status, more.code()), (StatusCode::CONFLICT, "tenant.owned"));
    // What was done to it stands in its own lines too, without who did it.
    let lines = world.send(Method::GET, "/api/v1/activity", Some(own), None).await.expect(200);
    assert!(lines.to_string().contains("tenant.create"), "{lines}");
    let me = world.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(me["operator"], json!(true));
    assert!(!lines.to_string().contains(&id(&me["user"])), "{lines}");
}

#[tokio::test]
async fn only_the_first_owner_comes_by_the_operators_link() {
    let world = several().await;
    let (team, first) = make(&world, "Second", "oz@example.org").await;
    let other = json!({ "owner": "other@example.org" });
    let other = world.post(&format!("/api/v1/tenants/{team}/invite"), other).await.expect(201);
    join(&world, &first).await.expect(200);
    assert_eq!(join(&world, &token_of(&other)).await.code(), "invitation.over");
}

#[tokio::test]
async fn a_suspended_team_is_cut_off_and_comes_back_as_it_was() {
    let world = several().await;
    let (team, token) = make(&world, "Second", "oz@example.org").await;
    let own = join(&world, &token).await.expect(200)["accessToken"].as_str().unwrap().to_owned();
    let key = world.send(Method::POST, "/api/v1/tokens", Some(&own), Some(json!({ "name": "k", "days": 1 }))).await;
    let key = key.expect(201)["secret"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tenants/{team}");
    let patch = async |body| world.call(Method::PATCH, &path, Some(body)).await;
    for body in [
        json!({}),
        json!({ "suspended": true }),
        json!({ "suspended": true, "reason": " " }),
        json!({ "suspended": false, "reason": "x" }),
        json!({ "name": "x", "suspended": false }),
    ] {
        assert_eq!(patch(body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let (code, after) = until_cut(&world, &own, async || {
        let seen = patch(json!({ "suspended": true, "reason": "unpaid" })).await.expect(200);
        assert_eq!((&seen["state"], &seen["reason"]), (&json!("suspended"), &json!("unpaid")));
    })
    .await;
    assert_eq!(code, 4401);
    assert!(after.as_secs() < 5, "cut after {after:?}");
    for credential in [&own, &key] {
        let answer = world.send(Method::GET, "/api/v1/auth/me", Some(credential), None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let login = json!({ "email": "oz@example.org", "password": PASSWORD });
    let login = || world.send(Method::POST, "/api/v1/auth/login", None, Some(login.clone()));
    assert_eq!(login().await.status, StatusCode::UNAUTHORIZED);

    let seen = patch(json!({ "suspended": false })).await.expect(200);
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("active"), &Value::Null));
    for credential in [&own, &key] {
        world.send(Method::GET, "/api/v1/auth/me", Some(credential), None).await.expect(200);
    }
    login().await.expect(200);
    assert_eq!(patch(json!({ "name": "Renamed" })).await.expect(200)["name"], json!("Renamed"));
    let home = format!("/api/v1/tenants/{}", world.tenant().await);
    let suspend = world.call(Method::PATCH, &home, Some(json!({ "suspended": true, "reason": "x" }))).await;
    assert_eq!((suspend.status, suspend.code()), (StatusCode::CONFLICT, "tenant.home"));
}

/// A whole export is verified without the control plane; a team's own lines are no whole.
#[tokio::test]
async fn the_whole_chain_is_for_the_operator() {
    let world = several().await;
    let (_, token) = make(&world, "Second", "oz@example.org").await;
    let own = join(&world, &token).await.expect(200)["accessToken"].as_str().unwrap().to_owned();
    let export = async |token: &str, query: &str| {
        world.send(Method::GET, &format!("/api/v1/activity/export{query}"), Some(token), None).await
    };
    let checked = |text: &str| {
        let mut verifier = Verifier::new(Trust::default());
        text.lines().for_each(|line| verifier.record(line).unwrap());
        verifier.finish().unwrap()
    };
    let all = export(&world.token, "?all=true").await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.body);
    let report = checked(all.body.as_str().unwrap());
    assert!(report.whole && report.bad().is_none() && report.chains[0].walked.signed > 0, "{report:?}");
    assert!(all.body.as_str().unwrap().contains("user.join"), "lines of the other team are in it");
    let picked = export(&world.token, "").await;
    assert!(!checked(picked.body.as_str().unwrap()).whole);
    let theirs = export(&own, "?all=true").await;
    assert_eq!((theirs.status, theirs.code()), (StatusCode::NOT_FOUND, "route.not_found"));
    assert_eq!(export(&world.token, "?all=true&format=csv").await.status, StatusCode::BAD_REQUEST);
}

/// Every route about teams, with a body it takes.
fn routes(team: &str) -> Vec<(Method, String, Option<Value>)> {
    let one = format!("/api/v1/tenants/{team}");
    vec![
        (Method::GET, "/api/v1/tenants".to_owned(), None),
        (Method::POST, "/api/v1/tenants".to_owned(), Some(json!({ "name": "x", "owner": "x@example.org" }))),
        (
            Method::POST,
            "/api/v1/tenants?dryRun=true".to_owned(),
            Some(json!({ "name": "x", "owner": "x@example.org" })),
        ),
        (Method::GET, one.clone(), None),
        (Method::PATCH, one.clone(), Some(json!({ "name": "x" }))),
        (Method::PATCH, one.clone(), Some(json!({ "suspended": true, "reason": "x" }))),
        (Method::PATCH, one.clone(), Some(json!({ "suspended": false }))),
        (Method::POST, format!("{one}/invite"), Some(json!({ "owner": "x@example.org" }))),
    ]
}

#[tokio::test]
async fn nobody_but_the_operator_learns_that_there_are_teams() {
    let world = several().await;
    let home = world.tenant().await;
    let (other, token) = make(&world, "Second", "oz@example.org").await;
    let owner = join(&world, &token).await.expect(200)["accessToken"].as_str().unwrap().to_owned();
    let all = world.member(other.parse().unwrap(), "all@example.org", Permission::ALL).await;
    // The owner of another team has the right, and nothing to use it on: not even their own team.
    for team in [home.to_string(), other] {
        for (method, path, body) in routes(&team) {
            for token in [&owner, &all] {
                let answer = world.send(method.clone(), &path, Some(token), body.clone()).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
                assert_eq!(answer.code(), "route.not_found");
            }
        }
    }
    assert_eq!(world.get("/api/v1/tenants").await.expect(200).as_array().unwrap().len(), 2, "nothing was made");
}

#[tokio::test]
async fn where_there_is_one_team_nothing_of_it_is_there() {
    let world = World::new().await;
    for (method, path, body) in routes(&world.tenant().await.to_string()) {
        let answer = world.call(method.clone(), &path, body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "route.not_found"), "{method} {path}");
    }
    assert_eq!(world.get("/api/v1/auth/me").await.expect(200).get("operator"), None);
}
