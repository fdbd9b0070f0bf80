use sf_protocol::report::{LogLine, Stream};
use sf_types::{ErrorKind, Fault, Timestamp};

use super::*;

fn log(text: &str) -> Vec<LogLine> {
    let line = |(nth, text): (usize, &str)| LogLine {
        sequence: nth as u64 + 1,
        at: Timestamp::from_millis(1),
        stream: Stream::Err,
        text: text.to_owned(),
    };
    text.lines().enumerate().map(line).collect()
}

fn fault(code: &str, message: &str) -> Fault {
    Fault::new(ErrorKind::Invalid, code.to_owned(), message)
}

/// The first cause of a failure with these last words.
fn first(fault: &Fault, build: &str, app: &str) -> Cause {
    let (build, app) = (log(build), log(app));
    let causes = explain(&Evidence { fault, build: &build, app: &app });
    assert!(causes.len() <= MAX_CAUSES);
    causes.into_iter().next().expect("a cause")
}

fn check(app: &str, code: &str, named: &str) {
    let ended = fault("health.ended", "the process exited with code 1 after 0.2 s");
    let cause = first(&ended, "", app);
    assert_eq!(cause.code, code, "{app}: {cause:?}");
    assert!(cause.what.contains(named), "{app}: {}", cause.what);
    assert!(!cause.what.contains("$1") && cause.fixes.iter().all(|fix| !fix.contains("$1")), "{cause:?}");
    assert!(!cause.fixes.is_empty() && !cause.lines.is_empty(), "{cause:?}");
}

#[test]
fn what_people_meet_every_day_is_named() {
    for (app, code, named) in [
        ("Error: listen EADDRINUSE: address already in use :::3000", "port.in_use", "port 3000"),
        ("Error: listen EADDRINUSE: address already in use 127.0.0.1:8080", "port.in_use", "port 8080"),
        ("OSError: [Errno 98] Address already in use", "port.in_use", "a port"),
        ("thread 'main' panicked: Os { code: 98, message: \"Address already in use\" } 8000", "port.in_use", "8000"),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "memory", "memory"),
        ("MemoryError", "memory", "memory"),
        ("Error: Cannot find module 'express'\nRequire stack:\n- /app/server.js", "module.missing", "`express`"),
        ("ModuleNotFoundError: No module named 'flask'", "module.missing", "`flask`"),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'koa' imported from /x", "module.missing", "`koa`"),
        ("sh: 1: next: not found", "program.missing", "next"),
        ("Error: spawn convert ENOENT", "program.missing", "convert"),
        ("KeyError: 'DATABASE_URL'", "setting.missing", "DATABASE_URL"),
        ("Error: environment variable \"API_KEY\" is not set", "setting.missing", "API_KEY"),
        ("Error: JWT_SECRET must be defined", "setting.missing", "JWT_SECRET"),
        ("Error: getaddrinfo ENOTFOUND db.internal", "dns", "db.internal"),
        ("curl: (6) Could not resolve host: example.test", "dns", "example.test"),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "service.away", "127.0.0.1:5432"),
        ("dial tcp [::1]:6379: connect: connection refused", "service.away", "[::1]:6379"),
        ("Error: certificate has expired", "certificate", "certificate has expired"),
        ("ssl.SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "certificate", "CERTIFICATE_VERIFY_FAILED"),
        ("Error: ENOSPC: no space left on device, write", "disk.full", "no room"),
        ("Error: EACCES: permission denied, open '/var/data.db'", "rights", "/var/data.db"),
        ("PermissionError: [Errno 13] Permission denied: '/data'", "rights", "/data"),
        ("Error: EROFS: read-only file system, mkdir '/x'", "rights", "EROFS"),
        ("/app/server.js:3\n  const = 1\nSyntaxError: Unexpected token '='", "syntax", "Unexpected token"),
        ("something odd happened\nRangeError: bad luck\n    at x (server.js:3)", "app.error", "of its own"),
    ] {
        check(app, code, named);
    }
}

#[test]
fn builds_say_what_they_lack() {
    let failed = fault("build.failed", "installing with `npm ci` exited with code 1");
    for (build, code) in [
        (
            "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync",
            "lockfile.stale",
        ),
        ("ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\"", "lockfile.stale"),
        (
            "npm error code E404\nnpm error 404 Not Found - GET https://x/left-padd\nnpm error 404  'left-padd@^1.0.0' is not in this registry.",
            "package.unknown",
        ),
        ("ERROR: No matching distribution found for flask==99", "package.unknown"),
        ("error[E0425]: cannot find value `x` in this scope", "syntax"),
        ("src/a.ts(3,5): error TS2304: Cannot find name 'x'.", "syntax"),
        ("./main.go:3:2: undefined: x", "syntax"),
        ("npm error code EBADENGINE", "version.unfit"),
        ("npm error network request to https://r failed, reason: getaddrinfo EAI_AGAIN registry.example", "dns"),
    ] {
        assert_eq!(first(&failed, build, "").code, code, "{build}");
    }
}

#[test]
fn the_nodes_own_word_is_enough_where_nothing_was_said() {
    for (code, message, cause) in [
        ("build.limit", "building with `x` was stopped at the memory limit: 512 MiB", "memory"),
        ("build.limit", "building with `x` was stopped at the disk limit: 4 GiB", "disk.full"),
        ("build.limit", "building with `x` was stopped at the time limit: 1800 s", "time"),
        ("build.no_program", "building could not begin: pnpm is not there", "program.missing"),
        ("health.late", "It was not healthy after 15 s: GET /healthz answered 404", "health.answer"),
        ("health.late", "It was not healthy after 15 s: nothing listens on port 31000", "health.nobody_listens"),
        ("deploy.crashed", "The process was ended by SIGKILL after 3.0 s while it was watched.", "memory"),
        ("source.unresolved", "git.example could not be resolved.", "dns"),
        ("source.denied", "The repository asks for a credential.", "repository.refused"),
    ] {
        let found = first(&fault(code, message), "", "");
        assert_eq!(found.code, cause, "{code}: {message}");
        assert!(!found.what.contains("$1") && !found.what.contains(": ."), "{}", found.what);
    }
    let silent = Evidence { fault: &fault("deploy.crashed", "The process exited with code 3."), build: &[], app: &[] };
    assert_eq!(explain(&silent), []);
}

#[test]
fn the_guilty_lines_are_quoted_and_nothing_is_taken_from_our_own_notes() {
    let mut app = log(
        "listening\nError: connect ECONNREFUSED 10.0.0.7:5432\n    at TCPConnectWrap (net.js:1)\nwarming up\nError: listen EADDRINUSE: address already in use :::3000",
    );
    let ended = fault("health.ended", "the process exited with code 1");
    let causes = explain(&Evidence { fault: &ended, build: &[], app: &app });
    assert_eq!(causes.iter().map(|cause| cause.code).collect::<Vec<_>>(), ["port.in_use", "service.away"]);
    assert_eq!(causes[0].lines.last().map(|line| (line.log, line.sequence)), Some((Log::App, 5)));
    assert_eq!(causes[1].lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [2]);
    // What no rule knows is answered with what was said last.
    let odd = first(&ended, "", "hello\nworld");
    assert_eq!((odd.code, odd.lines.len(), odd.lines[1].text.as_str()), ("app.error", 2, "world"));
    app.iter_mut().for_each(|line| line.stream = Stream::Note);
    assert_eq!(explain(&Evidence { fault: &ended, build: &[], app: &app }), []);
}

#[test]
fn long_and_hostile_lines_are_cut_and_looked_at_in_bounded_time() {
    let line = format!("Error: Cannot find module '{}'", "é".repeat(200));
    let cause = first(&fault("health.ended", ""), "", &line);
    assert_eq!(cause.code, "module.missing");
    assert!(cause.what.chars().count() < 200 && cause.lines[0].text.chars().count() <= 401);
    let many = "Error: a a a a a a a a a a a a a a a a a ENOENT spawn \n".repeat(2000);
    let took = |text: &str| {
        let (text, began) = (log(text), std::time::Instant::now());
        explain(&Evidence { fault: &fault("health.ended", ""), build: &text, app: &text });
        began.elapsed()
    };
    let usual = "GET /orders/17 200 12 ms, 3 rows for user 9, cache warm\n".repeat(2000);
    let wide = format!("{}\n", "x".repeat(16 * 1024)).repeat(LINES_READ);
    let usual = took(&usual);
    for hostile in [took(&many), took(&wide)] {
        assert!(hostile < usual * 20, "{hostile:?}, and a usual log {usual:?}");
    }
    let wide = log(&wide);
    assert_eq!(explain(&Evidence { fault: &fault("health.ended", ""), build: &wide, app: &wide }).len(), 1);
}
