//! All logs of an app as one: searched, kept, taken away. And the course of what its machine measured.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_protocol::app::AppState;
use sf_protocol::report::{AppSample, LogLine, LogSource, LogStream, NodeSample, Stream, SystemLog};
use sf_store::logs::LogOwner;
use sf_store::{Scope, logs, metrics, releases};
use sf_types::{AppId, ReleaseId, RunId, Timestamp};

use crate::world::{World, start};

/// An app with two releases and what both builds said.
struct Logged {
    world: World,
    app: AppId,
    owner: LogOwner,
    releases: [ReleaseId; 2],
    run: RunId,
}

impl Logged {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("shop", world.node("n").await).await;
        let run: RunId = world.run(&app).await.parse().unwrap();
        let app: AppId = app.parse().unwrap();
        let made = world.control.store().write(Scope::System, move |tx| {
            Box::pin(async move {
                let both = [tx.new_id(), tx.new_id()];
                for release in both {
                    releases::create(tx, release, app, run, None, None).await?;
                }
                Ok(both)
            })
        });
        let releases = made.await.unwrap();
        let tenant = world.tenant().await;
        Self { owner: LogOwner { tenant, project: None, app: Some(app) }, world, app, releases, run }
    }

    async fn say(&self, source: LogSource, lines: Vec<LogLine>) {
        let (owner, batch) = (self.owner, LogStream { source, lines, dropped: 0 });
        let append =
            self.world.control.store().write(Scope::System, move |tx| {
                Box::pin(async move { logs::append(tx, owner, &batch).await.map(drop) })
            });
        append.await.unwrap();
    }

    fn release(&self, n: usize) -> LogSource {
        LogSource::App { app: self.app, release: self.releases[n] }
    }

    async fn search(&self, query: &str) -> Value {
        self.world.get(&format!("/api/v1/apps/{}/logs/search?{query}", self.app)).await.expect(200)
    }
}

fn line(sequence: u64, at: i64, stream: Stream, text: &str) -> LogLine {
    let at = Timestamp::from_millis(start().as_millis() + at);
    LogLine { sequence, at, stream, text: text.to_owned() }
}

fn texts(found: &Value) -> Vec<&str> {
    found["hits"].as_array().unwrap().iter().map(|hit| hit["line"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_are_found_in_all_logs_of_an_app_newest_first() {
    let logged = Logged::new().await;
    logged.say(LogSource::Run { run: logged.run }, vec![line(1, 0, Stream::Note, "build timeout set")]).await;
    let first = ["started", "GET /a timeout", "\x1b[31mERROR\x1b[0m lost", "time\x1b[1mout\x1b[0m again", "done"];
    let lines = |texts: &[&str], at: i64| -> Vec<_> {
        (1..).zip(texts).map(|(n, text)| line(n, at + i64::try_from(n).unwrap() * 10, Stream::Out, text)).collect()
    };
    logged.say(logged.release(0), lines(&first, 100)).await;
    // The second runs beside the first for a while.
    logged.say(logged.release(1), lines(&["TIMEOUT of 5ms", "WARN slow", "ok"], 115)).await;
    let found = logged.search("q=timeout&context=1").await;
    assert_eq!(texts(&found), ["time\x1b[1mout\x1b[0m again", "TIMEOUT of 5ms", "GET /a timeout", "build timeout set"]);
    let hits = found["hits"].as_array().unwrap();
    assert_eq!((hits[0]["marks"].clone(), hits[1]["marks"].clone()), (json!(["timeout"]), json!(["TIMEOUT"])));
    assert_eq!(hits[0]["before"][0]["text"], "\x1b[31mERROR\x1b[0m lost");
    assert_eq!(hits[0]["after"][0]["text"], "done");
    assert_eq!((hits[1]["releaseNumber"].as_u64(), hits[2]["releaseNumber"].as_u64()), (Some(2), Some(1)));
    assert_eq!(hits[3]["runId"], logged.run.to_string());
    assert_eq!((found["next"].clone(), found["searchedUntil"].clone()), (Value::Null, Value::Null));
    assert_eq!(found["linesLookedAt"], 9);
    let release = logged.releases[0];
    for (query, expected) in [
        (r"q=timeout%20of%20%5Cd%2B&regex=true", vec![]),
        (r"q=TIMEOUT%20of%20%5Cd%2B&regex=true", vec!["TIMEOUT of 5ms"]),
        ("level=error", vec!["\x1b[31mERROR\x1b[0m lost"]),
        ("level=warning", vec!["WARN slow", "\x1b[31mERROR\x1b[0m lost"]),
        ("stream=note", vec!["build timeout set"]),
        (&*format!("q=timeout&release={release}"), vec!["time\x1b[1mout\x1b[0m again", "GET /a timeout"]),
        (&*format!("run={}", logged.run), vec!["build timeout set"]),
        (
            &*format!("q=timeout&from={}", start().as_millis() + 125),
            vec!["time\x1b[1mout\x1b[0m again", "TIMEOUT of 5ms"],
        ),
        (&*format!("q=timeout&to={}", start().as_millis() + 120), vec!["build timeout set"]),
    ] {
        assert_eq!(texts(&logged.search(query).await), expected, "{query}");
    }
    // Page by page, while newer lines come: each older one once.
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = logged.search(&format!("limit=2{after}")).await;
        all.extend(texts(&page).into_iter().map(str::to_owned));
        let at = 1_000 + i64::try_from(all.len()).unwrap();
        logged.say(logged.release(1), vec![line(10 + all.len() as u64, at, Stream::Out, "newer")]).await;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected = [
        "done",
        "ok",
        "time\x1b[1mout\x1b[0m again",
        "WARN slow",
        "\x1b[31mERROR\x1b[0m lost",
        "TIMEOUT of 5ms",
        "GET /a timeout",
        "started",
        "build timeout set",
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_cannot_be_looked_for_says_why() {
    let logged = Logged::new().await;
    let path = format!("/api/v1/apps/{}/logs/search", logged.app);
    for (query, code) in [
        ("q=(a&regex=true", "logs.pattern"),
        ("level=bad", "query.level"),
        ("stream=in", "query.stream"),
        ("after=1.2.3", "page.cursor"),
        ("from=yesterday", "query.time"),
    ] {
        assert_eq!(logged.world.get(&format!("{path}?{query}")).await.code(), code, "{query}");
    }
    let stranger = logged.world.stranger().await;
    for part in ["search", "kept", "download"] {
        let answer = logged.world.get(&format!("/api/v1/apps/{}/logs/{part}", stranger.app)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{part}");
    }
}

#[tokio::test]
async fn lines_are_kept_for_days_and_bytes_and_taken_away_as_a_text() {
    let logged = Logged::new().await;
    let day = 86_400_000;
    let text = "x".repeat(1_000);
    let many = |count: u64, at: i64| (1..=count).map(|n| line(n, at, Stream::Out, &text)).collect::<Vec<_>>();
    logged.say(logged.release(0), many(600, -40 * day)).await;
    logged.say(logged.release(1), many(1_500, -2 * day)).await;
    logged.say(logged.release(1), vec![line(1_501, -day, Stream::Err, "\x1b[1mlast\x1b[0m\x07")]).await;
    let kept = format!("/api/v1/apps/{}/logs/kept", logged.app);
    let now = logged.world.get(&kept).await.expect(200);
    assert_eq!((now["days"].as_u64(), now["mostBytes"].as_u64()), (Some(30), Some(64 << 20)));
    let keep = async || logged.world.control.keep_observed(start()).await.unwrap();
    keep().await;
    let now = logged.world.get(&kept).await.expect(200);
    assert_eq!(now["bytes"], 1_500 * 1_064 + 64 + 13, "what is older than 30 days is gone");
    assert_eq!(now["oldestAt"].as_str().unwrap(), Timestamp::from_millis(start().as_millis() - 2 * day).to_string());
    // Its own mind, at once.
    let app = logged.world.get(&format!("/api/v1/apps/{}", logged.app)).await.expect(200);
    let mut settings = app["settings"].clone();
    settings["logs"] = json!({ "days": 7, "mebibytes": 1 });
    let body = json!({ "settings": settings, "from": app["settingsTag"] });
    logged.world.call(Method::PATCH, &format!("/api/v1/apps/{}", logged.app), Some(body)).await.expect(200);
    keep().await;
    let now = logged.world.get(&kept).await.expect(200);
    assert_eq!((now["days"].as_u64(), now["mostBytes"].as_u64()), (Some(7), Some(1 << 20)));
    let bytes = now["bytes"].as_u64().unwrap();
    assert!(bytes <= 1 << 20 && bytes > (1 << 20) - 2_000, "{bytes}: no more goes than has to");
    let path = format!("/api/v1/apps/{}/logs/download?release={}", logged.app, logged.releases[1]);
    let file = logged.world.get(&path).await;
    assert_eq!(file.status, StatusCode::OK);
    let file = file.body.as_str().unwrap().to_owned();
    assert!(file.lines().count() > 900 && file.ends_with(" err last\u{fffd}\n"), "{}", file.lines().last().unwrap());
}

#[tokio::test]
async fn a_course_says_what_its_means_hide() {
    let world = World::new().await;
    let node = world.node("n").await;
    let app: AppId = world.app("shop", node).await.parse().unwrap();
    let hour = 3_600_000;
    let now = start().as_millis() / hour * hour;
    let samples: Vec<_> = (1..=120)
        .map(|n| {
            let cpu = if n == 7 { 900 } else { 100 };
            let sample = NodeSample { cpu_permille: cpu, net_received: 30_000, ..NodeSample::default() };
            let of_app = AppSample {
                app,
                state: AppState::Running,
                cpu_permille: cpu,
                memory: 9,
                processes: 1,
                requests: 60,
                restarts: 0,
            };
            SystemLog {
                at: Timestamp::from_millis(now - n * 30_000),
                node: sample,
                apps: vec![of_app],
                servers: vec![],
                held: None,
            }
        })
        .collect();
    let append = world
        .control
        .store()
        .write(Scope::System, move |tx| Box::pin(async move { metrics::append(tx, node, &samples).await }));
    append.await.unwrap();
    for folded in [false, true] {
        if folded {
            world.control.keep_observed(start()).await.unwrap();
        }
        for (path, of_requests) in [(format!("nodes/{node}"), false), (format!("apps/{app}"), true)] {
            let course =
                world.get(&format!("/api/v1/{path}/metrics?from={}&to={now}&points=1", now - hour)).await.expect(200);
            assert_eq!(course.as_array().unwrap().len(), 1);
            let point = &course[0];
            assert_eq!(point["cpuPermille"], (119 * 100 + 900) / 120);
            let within = &point["within"];
            assert_eq!((within["samples"].as_u64(), within["stepSecs"].as_u64()), (Some(120), Some(3_600)));
            assert_eq!(within["cpuPermille"], json!({ "low": 100, "high": 900 }));
            if of_requests {
                assert_eq!((point["requests"].as_u64(), within["requestsMost"].as_u64()), (Some(7_200), Some(2)));
            } else {
                assert_eq!(
                    (point["netReceived"].as_u64(), within["netReceivedMost"].as_u64()),
                    (Some(3_600_000), Some(1_000))
                );
            }
        }
    }
}

/// `cargo nextest run -p sf-api a_million_lines --run-ignored all --no-capture`: the figures of docs/reference/performance.md.
#[tokio::test]
#[ignore = "a measurement: it writes a million lines"]
async fn a_million_lines() {
    let logged = Logged::new().await;
    let began = std::time::Instant::now();
    for chunk in 0..1_000_u64 {
        let one = |n| {
            let at = i64::try_from(chunk * 1_000 + n).unwrap() * 100 - 100_000_000;
            line(
                chunk * 1_000 + n,
                at,
                Stream::Out,
                &format!("GET /orders/{} answered 200 in {n} ms for 10.0.{chunk}.7", chunk * n),
            )
        };
        logged.say(logged.release(0), (1..=1_000).map(one).collect()).await;
    }
    println!("written: {} ms", began.elapsed().as_millis());
    for query in ["q=nowhere", "q=answered%205%5Cd%5Cd%20in%20%5Cd%7B4%7D&regex=true", "level=error"] {
        let (began, mut after, mut asks, mut looked_at) = (std::time::Instant::now(), String::new(), 0, 0);
        let mut longest = std::time::Duration::ZERO;
        loop {
            let ask = std::time::Instant::now();
            let found = logged.search(&format!("{query}{after}")).await;
            longest = longest.max(ask.elapsed());
            (asks, looked_at) = (asks + 1, looked_at + found["linesLookedAt"].as_u64().unwrap());
            match found["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        println!(
            "{query}: {looked_at} lines in {} ms, {asks} requests, longest {} ms",
            began.elapsed().as_millis(),
            longest.as_millis()
        );
    }
    let ask = std::time::Instant::now();
    logged.search("q=orders&limit=50").await;
    println!("a page of 50 that are near: {} ms", ask.elapsed().as_millis());
}
