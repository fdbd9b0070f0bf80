use std::fs;
use std::path::{Path, PathBuf};

use sf_protocol::app::TrafficMode;
use sf_protocol::report::Stream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::confine::Identity;
use crate::confine::cgroup::Cgroups;
use crate::policy::BuildLimits;
use crate::release::tree;

fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn plan(files: &[(&str, &str)], settings: &BuildSettings) -> Result<BuildPlan, Fault> {
    detect(checkout(files).path(), settings).map_err(Fault::from)
}

/// `builder | install | build | start | publish`, commands for reading.
fn summary(files: &[(&str, &str)], settings: &BuildSettings) -> String {
    let plan = plan(files, settings).unwrap();
    let show = |argv: &Option<Vec<String>>| argv.as_deref().map_or("-".to_owned(), words::show);
    let publish = plan.publish.map_or("-".to_owned(), |publish| format!("{publish:?}"));
    let commands = [show(&plan.install), show(&plan.build), show(&plan.start)].join(" | ");
    format!("{} | {commands} | {publish}", plan.builder.name())
}

#[test]
fn what_the_files_say_is_understood() {
    let deps = r#"{"dependencies":{"x":"1"},"scripts":{"build":"tsc","start":"node dist/main.js --port 1"}}"#;
    let pip = ".venv/bin/python -m pip install --no-input --disable-pip-version-check";
    for (files, expected) in [
        (&[("package.json", "{}"), ("server.js", "")][..], "node | - | - | node server.js | -".to_owned()),
        (&[("package.json", r#"{"main":"app.mjs"}"#), ("app.mjs", "")], "node | - | - | node app.mjs | -".to_owned()),
        (
            &[("package.json", deps), ("package-lock.json", "{}")],
            "node | npm ci --no-audit --no-fund | npm run build | node dist/main.js --port 1 | -".to_owned(),
        ),
        (
            &[("package.json", deps), ("yarn.lock", "")],
            "node | yarn install --frozen-lockfile | yarn run build | node dist/main.js --port 1 | -".to_owned(),
        ),
        (
            &[("package.json", deps), ("pnpm-lock.yaml", "")],
            "node | pnpm install --frozen-lockfile | pnpm run build | node dist/main.js --port 1 | -".to_owned(),
        ),
        (
            &[("package.json", deps)],
            "node | npm install --no-audit --no-fund | npm run build | node dist/main.js --port 1 | -".to_owned(),
        ),
        (
            &[("package.json", r#"{"scripts":{"start":"X=1 next start && echo $Y"}}"#)],
            "node | - | - | npm start | -".to_owned(),
        ),
        (&[("main.py", "")], "python | - | - | python3 main.py | -".to_owned()),
        (
            &[("requirements.txt", "flask\n"), ("app.py", "")],
            format!("python | {pip} -r requirements.txt | - | .venv/bin/python app.py | -"),
        ),
        (
            &[("requirements.txt", "# nothing\n"), ("Procfile", "worker: x\nweb: python -m http.server\n")],
            "python | - | - | python3 -m http.server | -".to_owned(),
        ),
        (
            &[("pyproject.toml", ""), ("Procfile", "web: gunicorn 'app:app'")],
            format!("python | {pip} . | - | gunicorn app:app | -"),
        ),
        (
            &[("package.json", deps), ("yarn.lock", "__metadata:\n  version: 8\n")],
            "node | yarn install --immutable | yarn run build | node dist/main.js --port 1 | -".to_owned(),
        ),
        (
            &[("package.json", deps), ("Procfile", "web: node other.js -p $PORT\nworker: node w.js")],
            "node | npm install --no-audit --no-fund | npm run build | node other.js -p $PORT | -".to_owned(),
        ),
        (
            &[("pyproject.toml", ""), ("uv.lock", ""), ("main.py", "")],
            "python | uv sync --frozen --no-dev --no-editable | - | .venv/bin/python main.py | -".to_owned(),
        ),
        (
            &[("pyproject.toml", ""), ("poetry.lock", ""), ("Procfile", "web: python -m shop --port ${PORT:-8000}")],
            "python | poetry install --only main --no-root --no-interaction --no-ansi | - | .venv/bin/python -m shop \
             --port ${PORT:-8000} | -"
                .to_owned(),
        ),
        (
            &[("Cargo.toml", "[package]\nname = \"shop\""), ("Cargo.lock", ""), ("src/main.rs", "")],
            "rust | - | cargo install --path . --root .serverflow --no-track --force --locked | .serverflow/bin/shop | -"
                .to_owned(),
        ),
        (
            &[
                ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]"),
                ("Cargo.lock", ""),
                ("crates/lib/Cargo.toml", "[package]\nname = \"lib\""),
                ("crates/lib/src/lib.rs", ""),
                ("crates/web/Cargo.toml", "[package]\nname = \"web\"\n[[bin]]\nname = \"serve\"\npath = \"x.rs\""),
            ],
            "rust | - | cargo install --path crates/web --root .serverflow --no-track --force --locked | \
             .serverflow/bin/serve | -"
                .to_owned(),
        ),
        (
            &[("go.mod", "module x"), ("main.go", "// x\npackage main\n")],
            "go | - | go build -trimpath -o .serverflow/bin/app . | .serverflow/bin/app | -".to_owned(),
        ),
        (
            &[
                ("go.mod", "module x"),
                ("x.go", "package x"),
                ("gen.go", "//go:build ignore\n\npackage main\n"),
                ("cmd/serve/main.go", "package main"),
            ],
            "go | - | go build -trimpath -o .serverflow/bin/app ./cmd/serve | .serverflow/bin/app | -".to_owned(),
        ),
        (
            &[("composer.json", r#"{"require":{"php":"^8","slim/slim":"4"}}"#), ("public/index.php", "")],
            "php | composer install --no-dev --no-interaction --no-progress --prefer-dist | - | php -S 127.0.0.1:$PORT -t \
             public | -"
                .to_owned(),
        ),
        (
            &[("composer.json", r#"{"require":{"php":"^8"}}"#), ("Procfile", "web: frankenphp run")],
            "php | - | - | frankenphp run | -".to_owned(),
        ),
        (&[("Procfile", "web: ./serve --port $PORT")], "commands | - | - | ./serve --port $PORT | -".to_owned()),
        (&[("index.html", "")], "static | - | - | - | \"\"".to_owned()),
        (&[("public/index.html", "")], "static | - | - | - | \"public\"".to_owned()),
        (&[("serverflow.app.toml", "start = \"./run --fast\"")], "commands | - | - | ./run --fast | -".to_owned()),
        (
            &[
                ("package.json", deps),
                ("serverflow.app.toml", "install = []\nbuild = \"make\"\nstart = [\"a\", \"b c\"]"),
            ],
            "node | - | make | a \"b c\" | -".to_owned(),
        ),
        (
            &[("package.json", deps), ("serverflow.app.toml", "publish = \"dist\"")],
            "node | npm install --no-audit --no-fund | npm run build | - | \"dist\"".to_owned(),
        ),
    ] {
        assert_eq!(summary(files, &BuildSettings::default()), expected);
    }
}

#[test]
fn settings_win_over_the_file_and_the_file_over_what_is_found() {
    let files = [
        ("web/package.json", r#"{"scripts":{"start":"node found.js"}}"#),
        ("serverflow.app.toml", "root = \"web\"\nstart = \"node file.js\"\ntraffic = \"tcp\"\n[health]\ntcp = true"),
    ];
    let file = plan(&files, &BuildSettings::default()).unwrap();
    assert_eq!((file.root.as_str(), file.start.unwrap().join(" ").as_str()), ("web", "node file.js"));
    assert_eq!((file.traffic, file.health.is_some()), (Some(TrafficMode::Tcp), true));
    let settings = BuildSettings { start: Some(vec!["node".into(), "set.js".into()]), ..BuildSettings::default() };
    assert_eq!(plan(&files, &settings).unwrap().start.unwrap()[1], "set.js");
}

#[test]
fn what_cannot_run_is_refused_with_a_fix() {
    let set = |root: &str| BuildSettings { root: Some(root.to_owned()), ..BuildSettings::default() };
    for (files, settings, code) in [
        (&[("README.md", "")][..], BuildSettings::default(), "build.unknown"),
        (&[("package.json", "{}")], BuildSettings::default(), "build.no_start"),
        (&[("requirements.txt", "x")], BuildSettings::default(), "build.no_start"),
        (&[("package.json", "{")], BuildSettings::default(), "build.file"),
        (&[("Procfile", "web: a -b :$HOST a"), ("pyproject.toml", "")], BuildSettings::default(), "build.file"),
        (&[("Procfile", "web: migrate && serve")], BuildSettings::default(), "build.file"),
        (&[("Procfile", "web: DEBUG=1 serve")], BuildSettings::default(), "build.file"),
        (&[("Procfile", "worker: x")], BuildSettings::default(), "build.unknown"),
        (&[("Dockerfile", "RUN true")], BuildSettings::default(), "build.file"),
        (&[("Cargo.toml", "[package]\nname = \"x\""), ("src/lib.rs", "")], BuildSettings::default(), "build.no_start"),
        (
            &[("Cargo.toml", "[package]\nname = \"x\""), ("src/bin/a.rs", ""), ("src/bin/b.rs", "")],
            BuildSettings::default(),
            "build.no_start",
        ),
        (&[("Cargo.toml", "[package")], BuildSettings::default(), "build.file"),
        (&[("go.mod", "module x"), ("x.go", "package x")], BuildSettings::default(), "build.no_start"),
        (&[("composer.json", "{}")], BuildSettings::default(), "build.no_start"),
        (&[("serverflow.app.toml", "start = \"a; b\"")], BuildSettings::default(), "build.file"),
        (&[("serverflow.app.toml", "strat = \"a\"")], BuildSettings::default(), "build.file"),
        (&[("serverflow.app.toml", "publish = \"nope\"")], BuildSettings::default(), "build.setting"),
        (&[("index.html", "")], set("../.."), "build.setting"),
        (&[("index.html", "")], set("/etc"), "build.setting"),
        (&[("index.html", "")], set("nope"), "build.setting"),
        (&[("serverflow.app.toml", "start = [\"-x\"]")], BuildSettings::default(), "build.setting"),
    ] {
        let fault = plan(files, &settings).expect_err(code);
        assert!(fault.code == code && !fault.fix.is_empty(), "{files:?}: {fault:?}");
    }
}

#[test]
fn what_is_passed_over_is_told() {
    let warned = |files: &[(&str, &str)]| plan(files, &BuildSettings::default()).unwrap().warnings.join("; ");
    for (files, words) in [
        (&[("Dockerfile", ""), ("index.html", "")][..], "Dockerfile is not used"),
        (&[("package.json", "{}"), ("go.mod", ""), ("main.go", "package main")], "package.json says nothing"),
        (&[("Procfile", "web: x\nrelease: y\n")], "only `web` is run, not release"),
        (&[("index.php", "")], "made for development"),
        (&[("Cargo.toml", "[package]\nname = \"x\""), ("src/main.rs", "")], "commit Cargo.lock"),
    ] {
        assert!(warned(files).contains(words), "{files:?}: {}", warned(files));
    }
}

#[test]
fn a_root_that_is_a_link_is_refused() {
    let dir = checkout(&[("real/index.html", "")]);
    std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
    let settings = BuildSettings { root: Some("link".to_owned()), ..BuildSettings::default() };
    assert!(detect(dir.path(), &settings).is_err());
}

/// A checkout that is built for real, below a folder that a build's own user can enter.
struct Ground {
    _dir: tempfile::TempDir,
    site: Site,
}

fn ground(files: &[(&str, &str)], uid: u32, limits: BuildLimits) -> Ground {
    use std::os::unix::fs::PermissionsExt;
    let dir = checkout(&[]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    for (name, text) in files {
        let path = dir.path().join("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(dir.path().join("key"), "hunter2").unwrap();
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED in part: without root, no user and no control group of its own");
    }
    let site = Site {
        tree: dir.path().join("tree"),
        home: dir.path().join("home"),
        user: root.then_some(Identity { uid, gid: uid }),
        cgroups: Cgroups::detect(),
        group: format!("build-test-{uid}-{}", std::process::id()),
        limits,
        fills: None,
        is_filled: false,
    };
    Ground { _dir: dir, site }
}

fn commands(install: Option<&[&str]>, build: &[&str]) -> BuildPlan {
    let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let settings = BuildSettings {
        install: install.map(argv),
        build: Some(argv(build)),
        start: Some(argv(&["x"])),
        ..BuildSettings::default()
    };
    plan(&[("x", "")], &settings).unwrap()
}

async fn build(ground: &Ground, plan: &BuildPlan) -> (Result<Built, BuildError>, String) {
    let mut log = String::new();
    let mut sink = |stream: Stream, line: String| log.push_str(&format!("{stream:?} {line}\n"));
    let result = run(plan, &ground.site, &mut sink, &CancellationToken::new()).await;
    if let Some(user) = ground.site.user {
        assert_eq!(crate::user::processes(user.uid), [] as [i32; 0], "something of the build is still alive");
    }
    (result, log)
}

const SMALL: BuildLimits = BuildLimits { memory_mb: 128, cpu_percent: None, disk_mb: 32, seconds: 20, processes: 64 };

#[tokio::test]
async fn a_build_sees_its_own_files_and_nothing_of_the_agents() {
    let script = "id -u; env; cat ../key; echo made > made; touch ../outside; echo err >&2; (setsid sleep 600 &)";
    let ground = ground(&[("build.sh", script)], 269_901, SMALL);
    let (result, log) = build(&ground, &commands(Some(&["true"]), &["sh", "build.sh"])).await;
    let built = result.unwrap();
    assert_eq!(fs::read_to_string(ground.site.tree.join("made")).unwrap(), "made\n");
    assert_eq!(built.timings.iter().map(|time| time.step).collect::<Vec<_>>(), [Step::Install, Step::Build]);
    assert!(log.contains("Note $ sh build.sh") && log.contains("Err err") && log.contains("Out CI=1"), "{log}");
    assert!(!log.contains("CARGO_PKG") && !log.contains("CARGO_MANIFEST") && !log.contains("SSH"), "{log}");
    if crate::confine::landlock::kernel_abi() > 0 {
        assert!(!log.contains("hunter2"), "{log}");
        assert!(!ground.site.tree.join("../outside").exists());
    }
    if ground.site.user.is_some() {
        assert!(log.contains("Out 269901"), "{log}");
    }
}

#[tokio::test]
async fn a_build_cannot_put_a_link_in_place_of_what_is_published_or_run_in() {
    let swap = "cd ..; mv web gone; ln -s ../secret web";
    let inner = "ln -s ../../secret dist";
    for (publish, script, refused) in [
        (Some("."), swap, Some("root")),
        (Some(""), swap, Some("root")),
        (None, swap, Some("root")),
        (Some("dist"), inner, Some("publish")),
        (Some("dist"), "mkdir gone; ln -s gone dist", Some("publish")),
        (Some("dist"), "true", Some("publish")),
        (Some("dist"), "mkdir dist", None),
        (Some("."), "true", None),
    ] {
        let ground = ground(&[("web/x", "")], 269_910, SMALL);
        fs::create_dir(ground.site.tree.join("../secret")).unwrap();
        let mut plan = commands(None, &["sh", "-c", script]);
        plan.root = "web".to_owned();
        plan.publish = publish.map(str::to_owned);
        plan.start = plan.start.filter(|_| publish.is_none());
        let (result, log) = build(&ground, &plan).await;
        match (result.map_err(Fault::from), refused) {
            (Ok(_), None) => {}
            (Err(fault), Some(what)) => {
                assert!(fault.code == "build.setting" && fault.message.contains(what), "{script}: {fault}");
            }
            (other, _) => panic!("{publish:?} {script}: {other:?}\n{log}"),
        }
    }
}

#[tokio::test]
async fn each_limit_is_named() {
    let memory = "import os\nb=[]\nwhile True: b.append(os.urandom(1<<20))";
    let forks = "import os\nwhile True:\n if os.fork()==0:\n  import signal; signal.pause()";
    for (uid, argv, limits, named) in [
        (269_902, &["python3", "-c", memory][..], SMALL, "memory"),
        (269_903, &["dd", "if=/dev/zero", "of=big", "bs=1M", "count=100"], SMALL, "disk"),
        (269_904, &["sh", "fill.sh"], SMALL, "disk"),
        (269_911, &["sh", "-c", "cd $HOME && exec sh $OLDPWD/fill.sh"], SMALL, "disk"),
        (269_912, &["sh", "-c", "cd $TMPDIR && exec sh $OLDPWD/fill.sh"], SMALL, "disk"),
        (269_913, &["sh", "-c", "cd /dev/shm && exec sh $OLDPWD/fill.sh"], SMALL, "disk"),
        (269_905, &["sleep", "600"], BuildLimits { seconds: 1, ..SMALL }, "time"),
        (269_906, &["python3", "-c", forks], BuildLimits { memory_mb: 1024, ..SMALL }, "processes"),
    ] {
        let fill = "i=0; while true; do head -c 4000000 /dev/zero > f$i; i=$((i+1)); done";
        let ground = ground(&[("fill.sh", fill)], uid, limits);
        let shared = argv.iter().any(|word| word.contains("/dev/shm"));
        if ground.site.user.is_none() && (named == "processes" || shared) {
            continue;
        }
        let (result, log) = build(&ground, &commands(None, argv)).await;
        match result {
            // Files in shared memory count as both; whichever is full first is named.
            Err(BuildError::Limit { limit, .. }) if shared => assert!(["disk", "memory"].contains(&limit), "{log}"),
            Err(BuildError::Limit { limit, .. }) => assert_eq!(limit, named, "{log}"),
            other => panic!("{named}: {other:?}\n{log}"),
        }
        if shared {
            assert_eq!(tree::measure_of(Path::new("/dev/shm"), uid).unwrap(), tree::Usage::default());
        }
    }
}

#[tokio::test]
async fn without_a_user_of_its_own_a_build_has_no_shared_memory() {
    if crate::confine::landlock::kernel_abi() == 0 {
        return eprintln!("SKIPPED: this kernel has no Landlock");
    }
    let mut ground = ground(&[("x", "")], 269_914, SMALL);
    ground.site.user = None;
    let name = format!("/dev/shm/serverflow-test-{}", std::process::id());
    let (result, log) = build(&ground, &commands(None, &["touch", &name])).await;
    assert!(matches!(result, Err(BuildError::Failed { .. })) && log.contains("Permission denied"), "{log}");
    assert!(!Path::new(&name).exists());
}

#[tokio::test]
async fn a_home_that_is_too_full_or_holds_others_files_is_emptied() {
    let ground = ground(&[("x", "")], 269_915, SMALL);
    let home = &ground.site.home;
    let refill = |bytes: usize| {
        fs::create_dir_all(home).unwrap();
        fs::write(home.join("cache"), vec![1; bytes]).unwrap();
    };
    let look = commands(None, &["sh", "-c", "ls $HOME"]);
    refill(1000);
    let (_, log) = build(&ground, &look).await;
    assert!(log.contains("Out cache"), "what fits stays: {log}");
    refill(20 << 20);
    let (_, log) = build(&ground, &look).await;
    assert!(!log.contains("Out cache") && log.contains("Out tmp"), "{log}");
    assert!(log.contains("The app's caches took 20.0 MiB, 16.0 MiB are kept: they are emptied."), "{log}");
    if ground.site.user.is_some() {
        fs::write(home.join("../key2"), "root's own").unwrap();
        fs::hard_link(home.join("../key2"), home.join("stolen")).unwrap();
        let (result, log) = build(&ground, &look).await;
        assert!(result.is_ok() && !log.contains("stolen"), "{log}");
        assert_eq!(fs::read_to_string(home.join("../key2")).unwrap(), "root's own");
    }
}

#[tokio::test]
async fn failures_tell_the_last_words_and_missing_programs_their_name() {
    let ground = ground(&[("x", "")], 269_907, SMALL);
    let (result, _) = build(&ground, &commands(None, &["sh", "-c", "echo one; echo two >&2; exit 3"])).await;
    let fault = Fault::from(result.unwrap_err());
    assert!(fault.message.contains("ended with code 3") && fault.message.contains("two"), "{fault}");
    let (result, _) = build(&ground, &commands(None, &["no-such-program"])).await;
    let fault = Fault::from(result.unwrap_err());
    assert!(fault.code == "build.no_program" && fault.fix.contains("no-such-program"), "{fault:?}");
}

#[tokio::test]
async fn a_cancelled_build_ends_at_once() {
    let ground = ground(&[("x", "")], 269_908, BuildLimits { seconds: 600, ..SMALL });
    let cancel = CancellationToken::new();
    let mut sink = |_: Stream, line: String| {
        if line == "up" {
            cancel.cancel();
        }
    };
    let plan = commands(None, &["sh", "-c", "echo up; sleep 600"]);
    let result = run(&plan, &ground.site, &mut sink, &cancel).await;
    assert!(matches!(result, Err(BuildError::Cancelled)), "{result:?}");
}

#[tokio::test]
async fn a_real_venv_is_made_and_moves_with_its_release() {
    let files = [("requirements.txt", "./pkg\n"), ("main.py", "import tool; print(tool.x)")];
    let package = [
        ("pkg/pyproject.toml", "[build-system]\nrequires=[]\nbuild-backend='b'\nbackend-path=['.']"),
        (
            "pkg/b.py",
            "import zipfile,os\ndef build_wheel(d,c=None,m=None):\n n='tool-1-py3-none-any.whl'\n \
             z=zipfile.ZipFile(os.path.join(d,n),'w')\n i='tool-1.dist-info/'\n z.writestr('tool.py','x=42')\n \
             z.writestr(i+'METADATA','Metadata-Version: 2.1\\nName: tool\\nVersion: 1\\n')\n \
             z.writestr(i+'WHEEL','Wheel-Version: 1.0\\nGenerator: b\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n \
             z.writestr(i+'RECORD','')\n z.close()\n return n",
        ),
    ];
    let has_venv = std::process::Command::new("/usr/bin/python3").args(["-c", "import ensurepip"]).status();
    if !has_venv.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: python3-venv is not installed");
    }
    let all: Vec<_> = files.into_iter().chain(package).collect();
    let limits = BuildLimits { seconds: 120, disk_mb: 512, memory_mb: 1024, processes: 256, cpu_percent: None };
    let ground = ground(&all, 269_909, limits);
    let plan = detect(&ground.site.tree, &BuildSettings::default()).unwrap();
    let (result, log) = build(&ground, &plan).await;
    let built = result.unwrap_or_else(|error| panic!("{error}\n{log}"));
    let moved: PathBuf = ground.site.tree.with_file_name("moved");
    fs::rename(&ground.site.tree, &moved).unwrap();
    let start = built.plan.start.unwrap();
    let out = std::process::Command::new(&start[0]).args(&start[1..]).current_dir(&moved).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "42\n", "{out:?}");
    tree::remove(&moved).unwrap();
}
