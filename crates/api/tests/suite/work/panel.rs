//! The panel over REST: templates and their versions, servers and their settings, ports.

mod clients;
mod eggs;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_store::schedules::{self, Home};
use sf_store::servers;

use crate::world::{World, id, template};

const SERVERS: &str = "/api/v1/servers";

fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

#[tokio::test]
async fn a_template_has_versions_and_its_servers_stay_at_theirs() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let alt = format!("/api/v1/alts/{}", panel.alt);
    let first = world.get(&alt).await.expect(200);
    assert_eq!((&first["alt"]["version"], &first["document"]["name"]), (&json!(1), &json!("Tiny")));
    // The same again is no version.
    let same = json!({ "document": first["document"], "from": 1 });
    assert_eq!(world.call(Method::PUT, &alt, Some(same)).await.expect(200)["alt"]["version"], 1);
    let next = with(template("Tiny"), "/variables/0/default", json!("goodbye"));
    let changed = json!({ "document": next, "from": 1 });
    assert_eq!(world.call(Method::PUT, &alt, Some(changed.clone())).await.expect(200)["alt"]["version"], 2);
    assert_eq!(world.call(Method::PUT, &alt, Some(changed)).await.code(), "alt.changed");
    let versions = world.get(&format!("{alt}/versions")).await.expect(200);
    assert_eq!(
        versions.as_array().unwrap().iter().map(|one| one["version"].as_u64().unwrap()).collect::<Vec<_>>(),
        [2, 1]
    );
    let old = world.get(&format!("{alt}?version=1")).await.expect(200);
    assert_eq!(old["document"]["variables"][0]["default"], "hello");
    let server = format!("{SERVERS}/{}", panel.server);
    assert_eq!(world.get(&server).await.expect(200)["altVersion"], 1);
    let moved = world.call(Method::PATCH, &server, Some(json!({ "altVersion": 2 }))).await.expect(200);
    assert_eq!(moved["altVersion"], 2);
    assert_eq!(
        world.call(Method::PATCH, &server, Some(json!({ "altVersion": 3 }))).await.status,
        StatusCode::NOT_FOUND
    );
    // What is used stays.
    assert_eq!(world.call(Method::DELETE, &alt, None).await.code(), "alt.in_use");
    let ctrl = format!("/api/v1/ctrls/{}", panel.ctrl);
    assert_eq!(world.call(Method::DELETE, &ctrl, None).await.code(), "ctrl.has_alts");
}

#[tokio::test]
async fn a_template_that_no_server_could_be_made_from_is_refused_by_its_place() {
    let world = World::new().await;
    let ctrl = id(&world.post("/api/v1/ctrls", json!({ "name": "Games" })).await.expect(201));
    let good = template("Tiny");
    for (document, place) in [
        (json!({}), "alt"),
        (json!([]), "alt"),
        (with(good.clone(), "/alt", json!(99)), "alt"),
        (with(good.clone(), "/startups", json!([])), "startups"),
        (with(good.clone(), "/startups/0/run", json!({ "kind": "shell", "line": "rm -rf /" })), "startups[0]"),
        (with(good.clone(), "/variables/1/env", json!("A B")), "variables[1]"),
        (with(good.clone(), "/stop", json!({ "kind": "signal", "signal": "SIGSEGV", "grace": 1 })), "stop"),
    ] {
        let body = json!({ "ctrlId": ctrl, "document": document });
        let refused = world.post("/api/v1/alts", body).await;
        assert_eq!(refused.code(), "value.refused", "{document}: {}", refused.body);
        assert!(refused.body.to_string().contains(place), "{place}: {}", refused.body);
    }
    assert_eq!(world.get("/api/v1/alts").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_server_is_made_with_its_ports_and_its_installation_waits_for_its_machine() {
    let world = World::new().await;
    let node = world.node("box").await;
    let panel = world.panel(node).await;
    let server = world.get(&format!("{SERVERS}/{}", panel.server)).await.expect(200);
    assert_eq!((&server["state"], &server["install"]), (&json!("stopped"), &json!("missing")));
    assert!(server["unknownSince"].is_string(), "its machine is not connected");
    let ports: Vec<u64> =
        server["allocations"].as_array().unwrap().iter().map(|port| port["port"].as_u64().unwrap()).collect();
    assert_eq!(ports, [25565, 25566]);
    let runs = world.get(&format!("/api/v1/runs?serverId={}", panel.server)).await.expect(200);
    assert_eq!((&runs[0]["action"], &runs[0]["state"]), (&json!("server.install"), &json!("ready")));
    assert_eq!(runs[0]["serverId"], panel.server);
    // Names are unique, ports are their owner's, and what does not fit its template is told at its field.
    let body = |change: Value| {
        let mut body = json!({ "name": "other", "altId": panel.alt, "nodeId": node, "settings": {} });
        change.as_object().unwrap().iter().for_each(|(key, value)| body[key] = value.clone());
        body
    };
    let taken = id(&server["allocations"][0]);
    for (change, code) in [
        (json!({ "name": "tiny" }), "name.taken"),
        (json!({ "allocationIds": [taken] }), "allocation.taken"),
        (json!({ "ports": 3 }), "server.no_room"),
        (json!({ "ports": 33 }), "value.refused"),
        (json!({ "settings": { "variables": { "MOTD": "" } } }), "server.refused"),
        (json!({ "settings": { "variables": { "MAX_PLAYERS": "101" } } }), "server.refused"),
        (json!({ "settings": { "variables": { "LD_PRELOAD": "/tmp/x.so" } } }), "server.refused"),
        (json!({ "settings": { "startup": "None" } }), "server.refused"),
        (json!({ "settings": { "image": "alpine" } }), "server.refused"),
        (json!({ "settings": { "limits": { "memory": 1 } } }), "value.refused"),
        (json!({ "settings": { "limits": { "memory": 1_u64 << 50 } } }), "server.no_room"),
        (json!({ "altVersion": 9 }), "version_of_an_alt.not_found"),
    ] {
        let refused = world.post(SERVERS, body(change.clone())).await;
        assert_eq!(refused.code(), code, "{change}: {}", refused.body);
    }
    assert_eq!(world.get(SERVERS).await.expect(200).as_array().unwrap().len(), 1);
    let planned = world.post(&format!("{SERVERS}?dryRun=true"), body(json!({}))).await.expect(200);
    assert!(planned["plan"]["steps"].to_string().contains("`Tiny`"), "{planned}");
    // Nobody named a machine, and none is connected.
    let anywhere = world.post(SERVERS, json!({ "name": "other", "altId": panel.alt })).await;
    assert_eq!(anywhere.code(), "server.no_room");
    assert!(anywhere.body.to_string().contains("not connected"), "{}", anywhere.body);
}

#[tokio::test]
async fn of_fifty_that_race_for_the_last_of_anything_one_gets_it() {
    let world = World::new().await;
    let node = world.node("box").await;
    let panel = world.panel(node).await;
    let race = async |what: &str, body: &(dyn Fn(usize) -> Value + Sync)| {
        let tries = (0..50).map(|n| {
            let mut body = body(n);
            (body["altId"], body["nodeId"]) = (json!(panel.alt), json!(node));
            let world = &world;
            async move { world.post(SERVERS, body).await }
        });
        let answers = futures_util::future::join_all(tries).await;
        let (made, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == StatusCode::CREATED);
        assert_eq!(made.len(), 1, "{what}: {:?}", refused.first().map(|answer| &answer.body));
        let servers = world.get(&format!("{SERVERS}?q={what}&limit=200")).await.expect(200);
        assert_eq!(servers.as_array().unwrap().len(), 1, "{what}: nothing of the others is left");
        let mut codes: Vec<_> = refused.iter().map(|answer| answer.code()).collect();
        codes.dedup();
        (id(&servers[0]), codes.join(", "))
    };
    // The last two free ports of the machine.
    let (first, codes) = race("ports", &|n| json!({ "name": format!("ports-{n}"), "ports": 2 })).await;
    assert_eq!(codes, "server.no_room");
    let own = world.get(&format!("{SERVERS}/{first}")).await.expect(200)["allocations"].clone();
    let taken = world.get(&format!("/api/v1/nodes/{node}/allocations?taken=true&limit=200")).await.expect(200);
    assert_eq!((own.as_array().unwrap().len(), taken.as_array().unwrap().len()), (2, 4));
    // A name.
    let (_, codes) = race("same", &|_| json!({ "name": "same", "ports": 0 })).await;
    assert_eq!(codes, "name.taken");
    // The memory that is left: what one takes, no second one fits beside.
    let most = world.get(&format!("/api/v1/nodes/{node}")).await.expect(200)["facts"]["memory"].as_u64();
    let large = most.expect("the memory of a machine") / 10 * 6;
    let settings = json!({ "limits": { "memory": large } });
    let body = |n| json!({ "name": format!("large-{n}"), "ports": 0, "settings": settings });
    let (_, codes) = race("large", &body).await;
    assert_eq!(codes, "server.no_room");
}

#[tokio::test]
async fn changes_are_made_on_top_of_what_was_read() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let path = format!("{SERVERS}/{}", panel.server);
    let before = world.get(&path).await.expect(200);
    let mut settings = before["settings"].clone();
    settings["variables"] = json!({ "MOTD": "welcome" });
    let change = json!({ "settings": settings, "name": "larger", "from": before["generation"] });
    let after = world.call(Method::PATCH, &path, Some(change.clone())).await.expect(200);
    assert_eq!((&after["name"], &after["settings"]["variables"]["MOTD"]), (&json!("larger"), &json!("welcome")));
    assert_eq!(world.call(Method::PATCH, &path, Some(change)).await.code(), "server.changed");
    // Limits of ports hold, also for many at once.
    let ports = format!("{path}/allocations");
    world.post(&ports, json!({})).await.expect(200);
    let (one, two, three) =
        tokio::join!(world.post(&ports, json!({})), world.post(&ports, json!({})), world.post(&ports, json!({})));
    let mut codes = [one.status, two.status, three.status];
    codes.sort_unstable();
    assert_eq!(codes, [StatusCode::OK, StatusCode::CONFLICT, StatusCode::CONFLICT]);
    let own = world.get(&path).await.expect(200)["allocations"].as_array().unwrap().clone();
    assert_eq!(own.len(), 4);
    let first = id(&own[0]);
    assert_eq!(world.call(Method::DELETE, &format!("{ports}/{first}"), None).await.code(), "allocation.default");
    world.post(&format!("{ports}/{}/default", id(&own[2])), json!({})).await.expect(200);
    let left = world.call(Method::DELETE, &format!("{ports}/{first}"), None).await.expect(200);
    assert_eq!((&left["allocations"][0]["port"], left["allocations"].as_array().unwrap().len()), (&own[2]["port"], 3));
    let elsewhere = format!("{ports}/{first}");
    assert_eq!(world.call(Method::DELETE, &elsewhere, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_node_keeps_its_ports_until_they_are_free() {
    let world = World::new().await;
    let node = world.node("box").await;
    let panel = world.panel(node).await;
    let ports = format!("/api/v1/nodes/{node}/allocations");
    for (body, field) in [
        (json!({ "ports": "80" }), "ports"),
        (json!({ "ports": "" }), "ports"),
        (json!({ "ports": "2000-1999" }), "ports"),
        (json!({ "ports": "2000-4000" }), "ports"),
        (json!({ "ports": "2000", "ip": "here" }), "ip"),
        (json!({ "ports": "2000", "alias": "a\nb" }), "alias"),
    ] {
        let refused = world.post(&ports, body.clone()).await;
        assert_eq!((refused.code(), refused.body.to_string().contains(field)), ("value.refused", true), "{body}");
    }
    world.post(&ports, json!({ "ports": "25565, 30000", "alias": "play.example.org" })).await.expect(200);
    let all = world.get(&format!("{ports}?limit=200")).await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 5, "25565 was there already");
    let free = world.get(&format!("{ports}?taken=false&q=30000")).await.expect(200);
    assert_eq!(free[0]["place"], "play.example.org:30000");
    let taken = format!("{ports}/{}", panel.second_port);
    assert_eq!(world.call(Method::DELETE, &taken, None).await.code(), "allocation.taken");
    world.call(Method::DELETE, &format!("{ports}/{}", id(&free[0])), None).await.expect(200);
    // A machine with servers is not removed; of one that is gone for good they are forgotten.
    let removed = world.call(Method::DELETE, &format!("/api/v1/nodes/{node}"), None).await;
    assert_eq!(removed.code(), "node.has_servers");
    world.post(&format!("{SERVERS}/{}/forget", panel.server), json!({})).await.expect(200);
    assert_eq!(world.get(SERVERS).await.expect(200), json!([]));
    world.call(Method::DELETE, &format!("/api/v1/nodes/{node}"), None).await.expect(200);
}

#[tokio::test]
async fn a_deletion_says_all_that_goes_with_it_also_where_its_machine_is_silent() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let path = format!("{SERVERS}/{}", panel.server);
    let server: sf_types::ServerId = panel.server.parse().unwrap();
    let settings = json!({ "cron": "@daily", "steps": [{ "power": "stop" }] });
    let settings = serde_json::from_value(settings).unwrap();
    let order = world.control.store().write(sf_types::Scope::System, move |tx| {
        Box::pin(async move {
            let home = Home::from(&servers::get(tx, server).await?);
            schedules::order(tx, &home, &"nightly".parse().unwrap(), &settings).await
        })
    });
    order.await.unwrap();
    let bea = world.member(world.tenant().await, "bea@example.org", &[]).await;
    let her = id(&world.send(Method::GET, "/api/v1/auth/me", Some(&bea), None).await.expect(200)["user"]);
    let given = json!({ "permissions": ["server:view"], "object": { "kind": "server", "id": panel.server } });
    world.post(&format!("/api/v1/users/{her}/grants"), given).await.expect(201);

    let losses = async |method: Method, path: String| {
        let planned = world.call(method, &path, None).await.expect(200);
        planned["plan"]["losses"].clone()
    };
    let told = losses(Method::DELETE, format!("{path}?dryRun=true")).await;
    let expected = [
        "all files of `tiny` and its console",
        "its ports 25565, 25566; others can have them",
        "its schedule `nightly`",
        "2 roles and permissions that people were given at it",
    ];
    assert_eq!(told, json!(expected));
    assert_eq!(losses(Method::POST, format!("{path}/forget?dryRun=true")).await, told);
    assert_eq!(world.get(SERVERS).await.expect(200).as_array().unwrap().len(), 1, "a plan does nothing");
    // Its own node goes first and its rows last: until that has spoken, it is there.
    let run = world.call(Method::DELETE, &path, None).await.expect(202)["run"].clone();
    assert_eq!((&run["action"], &run["state"]), (&json!("server.delete"), &json!("ready")));
    assert_eq!(world.get(&path).await.expect(200)["name"], "tiny");
}

#[tokio::test]
async fn whose_a_server_is_may_do_everything_with_it_and_others_what_they_were_given() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let tenant = world.tenant().await;
    let bea = world.member(tenant, "bea@example.org", &[]).await;
    let bea = bea.as_str();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(bea), None).await.expect(200);
    let path = format!("{SERVERS}/{}", panel.server);
    let hidden = world.send(Method::GET, &path, Some(bea), None).await.status;
    assert!(matches!(hidden, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN), "{hidden}");
    world.call(Method::PATCH, &path, Some(json!({ "ownerId": id(&me["user"]) }))).await.expect(200);
    let as_bea = |method: Method, path: String, body: Option<Value>| {
        let world = &world;
        async move { world.send(method, &path, Some(bea), body).await }
    };
    assert_eq!(as_bea(Method::GET, path.clone(), None).await.expect(200)["name"], "tiny");
    assert_eq!(as_bea(Method::GET, SERVERS.to_owned(), None).await.expect(200).as_array().unwrap().len(), 1);
    // Its runs are hers to see; its template and its creation are not hers to change.
    let runs = as_bea(Method::GET, format!("/api/v1/runs?serverId={}", panel.server), None).await.expect(200);
    assert_eq!(runs[0]["action"], "server.install");
    let run = id(&runs[0]);
    as_bea(Method::GET, format!("/api/v1/runs/{run}"), None).await.expect(200);
    as_bea(Method::POST, format!("{path}/power"), Some(json!({ "verb": "start" }))).await.expect(202);
    for (method, path, body) in [
        (Method::DELETE, path.clone(), None),
        (Method::PUT, format!("/api/v1/alts/{}", panel.alt), Some(json!({ "document": template("Mine") }))),
        (Method::POST, SERVERS.to_owned(), Some(json!({ "name": "mine", "altId": panel.alt }))),
    ] {
        let answer = as_bea(method, path, body).await;
        assert!(matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{}", answer.body);
    }
    // A sub-user with single rights.
    let cleo = world.member(tenant, "cleo@example.org", &[]).await;
    let her = world.send(Method::GET, "/api/v1/auth/me", Some(&cleo), None).await.expect(200);
    let object = json!({ "kind": "server", "id": panel.server });
    let given = json!({ "permissions": ["server:view", "console:command", "server:start"], "object": object });
    as_bea(Method::POST, format!("/api/v1/users/{}/grants", id(&her["user"])), Some(given)).await.expect(201);
    for (what, body, allowed) in [
        ("power", json!({ "verb": "start" }), true),
        ("power", json!({ "verb": "stop" }), false),
        ("power", json!({ "verb": "kill" }), false),
        ("power", json!({ "verb": "restart" }), false),
        ("command", json!({ "line": "say hi" }), true),
        ("suspend", json!({}), false),
        ("reinstall", json!({ "wipe": true }), false),
        ("allocations", json!({}), false),
    ] {
        let answer =
            world.send(Method::POST, &format!("{path}/{what}?dryRun=true"), Some(&cleo), Some(body.clone())).await;
        assert_eq!(answer.status == StatusCode::OK, allowed, "{what} {body}: {}", answer.body);
    }
    let console = world.send(Method::GET, &format!("{path}/console"), Some(&cleo), None).await;
    assert_eq!(console.code(), "permission.missing");
    // Who has what here is told to whoever may give it, though she sees nobody else of the team.
    let users = format!("{path}/users");
    assert_eq!(world.send(Method::GET, &users, Some(&cleo), None).await.code(), "permission.missing");
    let people = as_bea(Method::GET, users, None).await.expect(200);
    let named: Vec<_> = people.as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(named, ["bea@example.org", "cleo@example.org"]);
    assert_eq!(people[0]["grants"][0]["role"], "server-owner");
    let given: Vec<_> =
        people[1]["grants"].as_array().unwrap().iter().map(|one| one["permissions"][0].clone()).collect();
    assert_eq!(given.len(), 3, "{people}");
}

#[tokio::test]
async fn a_line_for_a_console_is_one_line() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let path = format!("{SERVERS}/{}/command", panel.server);
    for line in ["", "a\nb", "a\u{1b}[2J", "a\0", &"x".repeat(1025)] {
        let refused = world.post(&path, json!({ "line": line })).await;
        assert_eq!(refused.code(), "value.refused", "{line:?}: {}", refused.body);
    }
    world.post(&path, json!({ "line": "say $(rm -rf /) `id`; kick \u{202e}eve" })).await.expect(202);
}

#[tokio::test]
async fn an_egg_is_read_before_it_is_kept_and_written_back() {
    let world = World::new().await;
    let egg = include_str!("../../../../template/tests/eggs/ptdl-v2-paper.json");
    let read = world.post("/api/v1/alts/read", json!({ "text": egg })).await.expect(200);
    assert_eq!((&read["format"], &read["ok"]), (&json!("PTDL_v2"), &json!(true)));
    assert!(read["needs"].as_array().unwrap().contains(&json!("docker")), "{}", read["needs"]);
    assert_eq!(world.get("/api/v1/alts").await.expect(200), json!([]), "nothing is kept by reading");
    let ctrl = id(&world.post("/api/v1/ctrls", json!({ "name": "Games" })).await.expect(201));
    let body = json!({ "ctrlId": ctrl, "document": read["document"], "source": read["format"] });
    let kept = world.post("/api/v1/alts", body).await.expect(201);
    assert_eq!((&kept["alt"]["hash"], &kept["alt"]["source"]), (&read["hash"], &json!("PTDL_v2")));
    let path = format!("/api/v1/alts/{}/egg", id(&kept["alt"]));
    for query in ["", "?format=PTDL_v2", "?format=PLCN_v1&yaml=true"] {
        let written = world.get(&format!("{path}{query}")).await.expect(200);
        let again = world.post("/api/v1/alts/read", json!({ "text": written["text"] })).await.expect(200);
        assert_eq!(again["hash"], read["hash"], "{query}");
    }
    assert_eq!(world.get(&format!("{path}?format=PTDL_v9")).await.code(), "query.format");
    assert_eq!(world.post("/api/v1/alts/read", json!({ "text": "{}" })).await.code(), "alt.no_egg");
    let findings = world.post("/api/v1/alts/lint", json!({ "text": "{\"alt\": 1}" })).await.expect(200);
    assert_eq!((&findings["ok"], findings["defects"].as_array().unwrap().is_empty()), (&json!(false), false));
}

#[tokio::test]
async fn whoever_sets_a_chain_may_do_each_of_its_steps() {
    use sf_actions::Permission as P;
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let path = format!("{SERVERS}/{}/schedules/nightly", panel.server);
    let tenant = world.tenant().await;
    let set = async |token: &str, step: Value| {
        let body = json!({ "settings": { "cron": "@daily", "steps": [step] } });
        let answer = world.send(Method::PUT, &path, Some(token), Some(body)).await;
        answer.code().to_owned()
    };
    let some = world.member(tenant, "some@example.org", &[P::ServerView, P::ScheduleManage, P::ServerStop]).await;
    for step in [json!({ "command": "op me" }), json!({ "power": "start" }), json!({ "power": "restart" })] {
        assert_eq!(set(&some, step).await, "permission.missing");
    }
    // Its node has said nothing of the server yet; what comes after the rights is another matter.
    for step in [json!({ "power": "stop" }), json!({ "power": "kill", "delay": 900_000 })] {
        assert_eq!(set(&some, step).await, "server.not_installed");
    }
    assert_eq!(set(&world.token, json!({ "command": "op me" })).await, "server.not_installed");
    assert_eq!(set(&world.token, json!({ "command": "a\nb" })).await, "value.refused");
    assert_eq!(set(&world.token, json!({ "power": "stop", "command": "x" })).await, "body.field");
}

#[tokio::test]
async fn a_variable_is_a_secret_by_name_and_whoever_names_one_may_see_it() {
    const VALUE: &str = "canary-2f8d61aa07";
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let path = format!("{SERVERS}/{}", panel.server);
    let with = |secrets: Value| json!({ "settings": { "secrets": secrets } });
    let change = async |body: Value| world.call(Method::PATCH, &path, Some(body)).await;
    let named = json!({ "MAX_PLAYERS": "player-limit" });
    // There is none yet; and where everybody could read it, none may go.
    assert_eq!(change(with(named.clone())).await.code(), "secret.missing");
    let secret = world.post("/api/v1/secrets", json!({ "name": "player-limit", "value": VALUE })).await.expect(201);
    for (secrets, variables, field) in [
        (json!({ "NOBODY": "player-limit" }), json!({}), "settings.secrets.NOBODY"),
        (json!({ "MOTD": "player-limit" }), json!({}), "settings.secrets.MOTD"),
        (named.clone(), json!({ "MAX_PLAYERS": "5" }), "settings.secrets.MAX_PLAYERS"),
    ] {
        let refused = change(json!({ "settings": { "secrets": secrets, "variables": variables } })).await;
        assert!(refused.body.to_string().contains(field), "{}", refused.body);
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let preview = json!({ "name": "for-previews", "value": VALUE, "environment": "preview" });
    world.post("/api/v1/secrets", preview).await.expect(201);
    assert_eq!(change(with(json!({ "MAX_PLAYERS": "for-previews" }))).await.code(), "secret.other_environment");

    // Who may change the server and not see secrets can use none.
    let tenant = world.tenant().await;
    let bea = world.member(tenant, "bea@example.org", &[]).await;
    let her = world.send(Method::GET, "/api/v1/auth/me", Some(&bea), None).await.expect(200);
    let object = json!({ "kind": "server", "id": panel.server });
    let given = json!({ "permissions": ["server:view", "server:update", "server:start"], "object": object });
    world.post(&format!("/api/v1/users/{}/grants", id(&her["user"])), given).await.expect(201);
    let as_bea = async |body: Value| world.send(Method::PATCH, &path, Some(&bea), Some(body)).await;
    assert_eq!(as_bea(with(named.clone())).await.code(), "permission.missing");

    // Its value is in no answer, no plan, no run and no line of the audit.
    let changed = change(with(named.clone())).await.expect(200);
    assert_eq!(changed["settings"]["secrets"], named);
    let used = world.get("/api/v1/secrets?q=player-limit").await.expect(200);
    assert_eq!(used[0]["usedBy"], json!([{ "kind": "server", "id": panel.server, "name": "tiny" }]));
    let gone = world.call(Method::DELETE, &format!("/api/v1/secrets/{}", id(&secret)), None).await;
    assert_eq!(gone.code(), "secret.in_use");
    let plan = world.post(&format!("{path}/install?dryRun=true"), json!({})).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("the secret `player-limit`, version 1"), "{plan}");
    for list in ["/api/v1/runs", "/api/v1/activity", SERVERS] {
        assert!(!world.get(list).await.body.to_string().contains(VALUE), "{list}");
    }

    // What is there already she may keep; into another variable she may not put it.
    as_bea(json!({ "settings": { "secrets": named, "description": "hers" } })).await.expect(200);
    assert_eq!(as_bea(with(json!({ "MOTD": "player-limit" }))).await.code(), "permission.missing");
}

#[tokio::test]
async fn all_that_does_not_fit_a_template_is_told_at_once() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let settings = json!({ "variables": { "MOTD": "", "MAX_PLAYERS": "x" }, "startup": "None" });
    let body = json!({ "name": "other", "altId": panel.alt, "settings": settings });
    let refused = world.post(&format!("{SERVERS}?dryRun=true"), body).await;
    assert_eq!(refused.code(), "server.refused");
    let details = &refused.body["error"]["details"];
    let findings = details["findings"].as_array().unwrap();
    let fields: Vec<_> = findings.iter().map(|one| one["field"].as_str().unwrap()).collect();
    for field in ["settings.variables.MOTD", "settings.variables.MAX_PLAYERS", "settings.startup"] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
    assert_eq!(details["field"], findings[0]["field"]);
    assert!(findings.iter().all(|one| !one["message"].as_str().unwrap().is_empty() && one["fix"].is_string()));
}

#[tokio::test]
async fn who_owns_servers_is_not_removed_and_the_plan_says_so() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let tenant = world.tenant().await;
    let bea = world.member(tenant, "bea@example.org", &[]).await;
    let her = id(&world.send(Method::GET, "/api/v1/auth/me", Some(&bea), None).await.expect(200)["user"]);
    let server = format!("{SERVERS}/{}", panel.server);
    world.call(Method::PATCH, &server, Some(json!({ "ownerId": her }))).await.expect(200);
    let person = format!("/api/v1/users/{her}");
    for path in [format!("{person}?dryRun=true"), person.clone()] {
        let refused = world.call(Method::DELETE, &path, None).await;
        assert_eq!(refused.code(), "user.owns_servers", "{path}: {}", refused.body);
    }
    let me = id(&world.get("/api/v1/auth/me").await.expect(200)["user"]);
    world.call(Method::PATCH, &server, Some(json!({ "ownerId": me }))).await.expect(200);
    let plan = world.call(Method::DELETE, &format!("{person}?dryRun=true"), None).await.expect(200);
    assert!(plan["plan"]["steps"].is_array(), "{plan}");
    world.call(Method::DELETE, &person, None).await.expect(200);
}
