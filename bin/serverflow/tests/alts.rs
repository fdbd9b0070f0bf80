//! `serverflow alts import --check`: one JSON line a file, whatever the file is.
#![expect(clippy::unwrap_used, reason = "a test: its helpers may stop it, too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Runs the check; answers its exit code and its lines.
fn check(home: &Path, files: &[PathBuf]) -> (i32, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serverflow"));
    command.env_clear().env("HOME", home).args(["alts", "import", "--check", "--"]).args(files);
    let done = command.output().unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!out.chars().any(|c| c != '\n' && sf_types::text::is_deceptive(c)), "{out:?}");
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")));
    (done.status.code().unwrap(), lines.collect())
}

#[test]
fn every_sample_is_fine() {
    let home = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/template/tests/eggs");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending != "md"));
    files.sort();
    let (code, lines) = check(home.path(), &files);
    assert_eq!((code, lines.len()), (0, 15), "{lines:#?}");
    for (line, file) in lines.iter().zip(&files) {
        let keys: std::collections::BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["errors", "file", "format", "hash", "needs", "ok", "stop", "warnings"];
        assert_eq!(keys, expected.into_iter().collect(), "{line}");
        assert_eq!(line["file"], file.display().to_string());
        assert!(line["ok"] == true && line["errors"] == serde_json::json!([]), "{line}");
        assert_eq!(line["hash"].as_str().unwrap().len(), 64);
    }
    let named = |name: &str| lines.iter().find(|line| line["file"].as_str().unwrap().ends_with(name)).unwrap();
    let mumble = named("ptdl-mumble.json");
    assert_eq!((&mumble["format"], &mumble["stop"]["signal"]), (&"PTDL_v2".into(), &"SIGINT".into()));
    assert_eq!(mumble["needs"], serde_json::json!(["network", "docker"]));
    assert_eq!(named("plcn-v3-paper.yaml")["stop"]["line"], "stop");
}

#[test]
fn whatever_is_no_egg_is_told() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("binary"), [0, 159, 146, 150]).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("other.json"), "{\"name\": \"x\"}").unwrap();
    fs::write(at("broken.json"), "{\"meta\": {\"version\": \"PTDL_v2\"}").unwrap();
    fs::write(at("future.yaml"), "meta:\n  version: PTDL_v9\n").unwrap();
    fs::write(at("hostile\u{1b}[2J\u{202e}"), "meta: {version: \"PLCN_v3\u{1b}\"}").unwrap();
    // A hundred megabytes that take no disk.
    fs::File::create(at("huge")).unwrap().set_len(100 << 20).unwrap();
    fs::create_dir(at("folder")).unwrap();
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
    fs::write(at("fine.yaml"), "meta:\n  version: PLCN_v3\nname: Fine\n").unwrap();
    fs::write(at("script.yaml"), format!("meta: {{version: PLCN_v3}}\nscripts: {{installation: {{script: \"{}\", container: \"a:1\", entrypoint: ash}}}}\n", "x".repeat(40_000))).unwrap();
    let expected = [
        ("binary", "no text in UTF-8"),
        ("empty", "no map"),
        ("other.json", "no `meta`"),
        ("broken.json", "no JSON"),
        ("future.yaml", "its version is `PTDL_v9`"),
        ("hostile\u{1b}[2J\u{202e}", "YAML"),
        ("huge", "an egg has at most 4194304"),
        ("folder", "no regular file"),
        ("pipe", "no regular file"),
        ("device", "no regular file"),
        ("missing", "No such file"),
        ("script.yaml", "32768 are allowed"),
    ];
    let mut files: Vec<_> = expected.iter().map(|(name, _)| at(name)).collect();
    files.push(at("fine.yaml"));
    let (code, mut lines) = check(home.path(), &files);
    assert_eq!(code, 1);
    let fine = lines.pop().unwrap();
    assert!(fine["ok"] == true && fine["format"] == "PLCN_v3", "{fine}");
    for ((name, words), line) in expected.iter().zip(&lines) {
        let message = line["errors"][0]["message"].as_str().unwrap();
        assert!(line["ok"] == false && message.contains(words), "{name:?}: {line}");
    }
}

#[test]
fn what_is_kept_goes_into_a_category() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_serverflow"));
    let done = command.env_clear().env("HOME", home.path()).args(["alts", "import", "a.json"]).output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(2) && err.contains("--ctrl"), "{err}");
}
