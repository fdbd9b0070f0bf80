use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::release::tree;

mod hosts;

/// A repository in a temporary folder that the policy lists, and everything to fetch it with.
struct World {
    dir: tempfile::TempDir,
    sources: Sources,
    policy: Policy,
}

impl World {
    fn new(limits: FetchLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["git", "state", "dest"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        // Whoever has a number kills what is left of it: tests side by side need numbers of their own.
        let first = 211_000 + std::process::id() * 16 % 50_000;
        std::fs::write(at("users.json"), format!("{{\"next\": {first}, \"byName\": {{}}}}")).unwrap();
        let users = Arc::new(Users::open(&at("users.json")).unwrap());
        let sources = Sources::new(Options { state: at("state"), cache: at("cache"), users, limits, key: None });
        let policy = Policy { allow_file_below: vec![at("git")], ..Policy::default() };
        let world = Self { dir, sources, policy };
        world.git(&["init", "--quiet", "--initial-branch=main", "."]);
        world
    }

    fn repository(&self) -> PathBuf {
        self.dir.path().join("git/app")
    }

    fn git(&self, args: &[&str]) -> String {
        self.git_with(args, b"")
    }

    fn git_with(&self, args: &[&str], input: &[u8]) -> String {
        std::fs::create_dir_all(self.repository()).unwrap();
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir(self.repository());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "git {args:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)], subject: &str) -> String {
        for (name, text) in files {
            let path = self.repository().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn source(&self) -> GitSource {
        GitSource { url: format!("file://{}", self.repository().display()), reference: None, commit: None }
    }

    fn dest(&self) -> PathBuf {
        self.dir.path().join("dest")
    }

    async fn fetch(&self, source: &GitSource) -> Result<Checkout, SourceError> {
        self.sources.fetch("app", source, &self.policy, (&self.dest(), None), &CancellationToken::new()).await
    }

    async fn resolve(&self, source: &GitSource) -> Result<Revision, SourceError> {
        self.sources.resolve(source, &self.policy, &CancellationToken::new()).await
    }
}

fn fault(result: Result<Checkout, SourceError>) -> sf_types::Fault {
    sf_types::Fault::from(result.unwrap_err())
}

#[tokio::test]
async fn branch_tag_and_commit_are_resolved_and_fetched() {
    let world = World::new(FetchLimits::default());
    let first = world.commit(&[("server.js", "one"), ("lib/deep/x.js", "x")], "first \u{1b}[31mcommit");
    world.git(&["tag", "-a", "v1", "-m", "tag"]);
    let second = world.commit(&[("server.js", "two")], "second");
    assert_eq!(world.resolve(&world.source()).await.unwrap().commit, second);
    let tag = GitSource { reference: Some("v1".to_owned()), ..world.source() };
    assert_eq!(world.resolve(&tag).await.unwrap().commit, first, "the commit behind an annotated tag");
    let checkout = world.fetch(&tag).await.unwrap();
    assert_eq!(checkout.revision.subject, "first [31mcommit");
    assert_eq!((checkout.files, checkout.bytes), (2, 4));
    assert_eq!(std::fs::read_to_string(world.dest().join("lib/deep/x.js")).unwrap(), "x");

    // Any commit, not only tips; the second time from the cache, even with the repository gone.
    let middle = GitSource { commit: Some(first), ..world.source() };
    world.commit(&[("a", "b")], "third");
    let (source, elsewhere, cancel) = (world.source(), tempfile::tempdir().unwrap(), CancellationToken::new());
    let inspect = world.sources.inspect(&source, &world.policy, elsewhere.path(), &cancel);
    assert_eq!(inspect.await.unwrap().1, ["main", "v1"]);
    std::fs::rename(world.repository().join(".git"), world.repository().join("gone")).unwrap();
    std::fs::create_dir(world.repository().join(".git")).unwrap();
    tree::remove(&world.dest()).unwrap();
    std::fs::create_dir(world.dest()).unwrap();
    assert_eq!(world.fetch(&middle).await.unwrap().files, 2);
}

#[tokio::test]
async fn a_commit_in_the_cache_of_one_repository_is_not_an_answer_of_another() {
    let world = World::new(FetchLimits::default());
    let commit = world.commit(&[("secret", "of the first")], "first");
    let exact = GitSource { commit: Some(commit), ..world.source() };
    world.fetch(&exact).await.unwrap();
    std::fs::rename(world.repository(), world.repository().with_file_name("other")).unwrap();
    std::fs::create_dir(world.repository()).unwrap();
    world.git(&["init", "--quiet", "--initial-branch=main", "."]);
    world.commit(&[("a", "b")], "another");
    tree::remove(&world.dest()).unwrap();
    std::fs::create_dir(world.dest()).unwrap();
    std::fs::rename(world.repository(), world.repository().with_file_name("third")).unwrap();
    let third = GitSource { url: exact.url.replace("/app", "/third"), ..exact };
    assert!(world.fetch(&third).await.is_err());
    assert_eq!(std::fs::read_dir(world.dir.path().join("cache")).unwrap().count(), 1, "the old cache is removed");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::new(FetchLimits::default());
    let said = sf_types::Fault::from(world.resolve(&world.source()).await.unwrap_err());
    assert!(said.message.contains("empty"), "{said}");
    world.commit(&[("a", "b")], "first");
    let branch = GitSource { reference: Some("nope".to_owned()), ..world.source() };
    assert!(fault(world.fetch(&branch).await).message.contains("no branch or tag `nope`"));
    let commit = GitSource { commit: Some("ab".repeat(20)), ..world.source() };
    assert_eq!(fault(world.fetch(&commit).await).code, "source.not_there");
}

#[tokio::test]
async fn folders_outside_the_listed_ones_are_refused_also_through_links() {
    let world = World::new(FetchLimits::default());
    world.commit(&[("a", "b")], "first");
    let outside = world.dir.path().join("outside");
    std::fs::rename(world.repository(), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.repository()).unwrap();
    let denied = fault(world.fetch(&world.source()).await);
    assert_eq!(denied.code, "source.file_outside");
    assert!(denied.fix.contains("policy.toml"), "{denied}");
    let elsewhere = GitSource { url: "file:///etc".to_owned(), ..world.source() };
    assert_eq!(fault(world.fetch(&elsewhere).await).code, "source.file_outside");
}

#[tokio::test]
async fn a_repository_that_borrows_objects_from_outside_gives_nothing() {
    if crate::confine::landlock::kernel_abi() == 0 {
        return eprintln!("SKIPPED: this kernel has no Landlock");
    }
    let world = World::new(FetchLimits::default());
    world.commit(&[("secret", "of somebody else")], "first");
    let objects = world.repository().join(".git/objects");
    let outside = world.dir.path().join("outside");
    std::fs::rename(&objects, &outside).unwrap();
    std::fs::create_dir_all(objects.join("info")).unwrap();
    std::fs::write(objects.join("info/alternates"), format!("{}\n", outside.display())).unwrap();
    assert!(world.fetch(&world.source()).await.is_err());
    assert_eq!(std::fs::read_dir(world.dest()).unwrap().count(), 0);
}

#[tokio::test]
async fn hooks_filters_and_settings_of_a_repository_never_run() {
    let world = World::new(FetchLimits::default());
    let canary = world.repository().join("canary");
    let touch = format!("touch {}", canary.display());
    let files = [
        ("a.txt", "$Id$\n"),
        (".gitattributes", "*.txt filter=evil text eol=crlf ident export-subst\n"),
        (".lfsconfig", "x"),
    ];
    world.commit(&files, "first");
    for (name, value) in [
        ("filter.evil.smudge", touch.as_str()),
        ("core.fsmonitor", &touch),
        ("core.sshCommand", &touch),
        ("core.pager", &touch),
        ("uploadpack.packObjectsHook", &touch),
        ("core.hooksPath", "hooks"),
    ] {
        world.git(&["config", name, value]);
    }
    world.fetch(&world.source()).await.unwrap();
    assert!(!canary.exists());
    assert_eq!(std::fs::read(world.dest().join("a.txt")).unwrap(), b"$Id$\n", "no byte is converted");
}

#[tokio::test]
async fn submodules_and_lfs_are_left_out_and_told() {
    let world = World::new(FetchLimits::default());
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let head = world.commit(&[("big.bin", pointer)], "first");
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor/sub")]);
    std::fs::write(
        world.repository().join(".gitmodules"),
        "[submodule \"vendor/sub\"]\n\tpath = vendor/sub\n\turl = ./x\n",
    )
    .unwrap();
    world.git(&["add", ".gitmodules"]);
    world.git(&["commit", "--quiet", "-m", "second"]);
    let checkout = world.fetch(&world.source()).await.unwrap();
    let said = checkout.warnings.join("; ");
    assert!(said.contains("1 submodule is not fetched") && said.contains("LFS"), "{said}");
}

#[tokio::test]
async fn submodules_that_attack_git_are_refused() {
    let world = World::new(FetchLimits::default());
    let evil = "[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/pwned\n";
    world.commit(&[(".gitmodules", evil)], "first");
    let refused = fault(world.fetch(&world.source()).await);
    assert_eq!(refused.code, "source.refused", "{refused}");
}

#[tokio::test]
async fn links_that_leave_the_tree_are_refused() {
    for target in ["/etc/passwd", "../../etc/passwd", "a/../../x"] {
        let world = World::new(FetchLimits::default());
        world.commit(&[("dir/a", "b")], "first");
        std::os::unix::fs::symlink(target, world.repository().join("dir/link")).unwrap();
        world.commit(&[], "second");
        let refused = fault(world.fetch(&world.source()).await);
        assert!(refused.message.contains("leaves the repository"), "{target}: {refused}");
    }
}

/// A `git fast-import` stream with one file.
fn import(path: &str, contents: &[u8]) -> Vec<u8> {
    let mut stream = b"commit refs/heads/main\ncommitter t <t@t> 1700000000 +0000\ndata 1\nx\n".to_vec();
    write!(stream, "M 100644 inline {path}\ndata {}\n", contents.len()).unwrap();
    stream.extend_from_slice(contents);
    stream.push(b'\n');
    stream
}

#[tokio::test]
async fn a_tree_4000_deep_is_refused_before_a_file_is_written() {
    let world = World::new(FetchLimits::default());
    world.git_with(&["fast-import", "--quiet"], &import(&format!("{}file", "d/".repeat(4_000)), b"x"));
    let refused = fault(world.fetch(&world.source()).await);
    assert_eq!(refused.code, "source.too_large", "{refused}");
    assert!(refused.message.contains("nested"), "{refused}");
    assert_eq!(std::fs::read_dir(world.dest()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_even_fetched() {
    let world = World::new(FetchLimits { file: ByteSize::kib(64), ..FetchLimits::default() });
    // Bytes that do not compress, so that the cache would show them.
    let noise: Vec<u8> =
        (0_u32..300_000).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    world.git_with(&["fast-import", "--quiet"], &import("big.bin", &noise));
    let refused = fault(world.fetch(&world.source()).await);
    assert!(refused.message.contains("big.bin is larger than 64.0 KiB"), "{refused}");
    let cache = tree::measure(&world.dir.path().join("cache")).unwrap();
    assert!(cache.bytes < 500_000, "{} bytes were fetched", cache.bytes);
}

#[tokio::test]
async fn out_of_time_and_cancelled_are_told_apart() {
    let world = World::new(FetchLimits { time: Duration::ZERO, ..FetchLimits::default() });
    world.commit(&[("a", "b")], "first");
    assert_eq!(fault(world.fetch(&world.source()).await).code, "source.time");
    let world = World::new(FetchLimits::default());
    world.commit(&[("a", "b")], "first");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let cancelled = world.sources.fetch("app", &world.source(), &world.policy, (&world.dest(), None), &cancel).await;
    assert_eq!(fault(cancelled).code, "source.cancelled");
}

#[tokio::test]
async fn a_private_host_is_refused_before_a_connection_is_made() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::new(FetchLimits::default());
    for url in [format!("https://127.0.0.1:{port}/a"), format!("ssh://127.0.0.1:{port}/a")] {
        let source = GitSource { url, reference: None, commit: None };
        assert_eq!(fault(world.fetch(&source).await).code, "source.private_address");
    }
    assert!(listener.accept().is_err());
}

#[tokio::test]
async fn the_connection_goes_to_the_checked_address_whatever_the_name_says_later() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::new(FetchLimits::default());
    // `.invalid` never resolves (RFC 6761): that git connects at all is the pin's doing.
    let url = RepoUrl::parse(&format!("https://rebind.invalid:{port}/a")).unwrap();
    let address = Some(std::net::Ipv4Addr::LOCALHOST.into());
    let git = Git::open(world.sources.options.clone(), "pin", url, address, &world.policy).await.unwrap();
    let cancel = CancellationToken::new();
    let (accepted, answer) = tokio::join!(
        async {
            let (socket, _) = listener.accept().await.unwrap();
            drop(socket);
        },
        git.tip(None, &cancel),
    );
    let () = accepted;
    let said = sf_types::Fault::from(answer.unwrap_err());
    assert_eq!(said.code, "source.unreachable", "{said}");
}

#[tokio::test]
async fn ssh_goes_to_the_checked_address_too_and_says_what_happened() {
    if !Path::new("/usr/bin/ssh").exists() {
        return eprintln!("SKIPPED: ssh is not installed");
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::new(FetchLimits::default());
    let url = RepoUrl::parse(&format!("ssh://git@rebind.invalid:{port}/a")).unwrap();
    let address = Some(std::net::Ipv4Addr::LOCALHOST.into());
    let git = Git::open(world.sources.options.clone(), "pin", url, address, &world.policy).await.unwrap();
    let cancel = CancellationToken::new();
    let (_, answer) = tokio::join!(async { drop(listener.accept().await.unwrap()) }, git.tip(None, &cancel));
    let said = sf_types::Fault::from(answer.unwrap_err());
    assert_eq!(said.code, "source.unreachable", "{said}");
}

#[tokio::test]
async fn credentials_stay_out_of_arguments_and_words() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(FetchLimits::default());
    let file = world.dir.path().join("state/credentials");
    std::fs::write(&file, "https://me:hunter2@git.invalid\n").unwrap();
    let url = || RepoUrl::parse("https://git.invalid/a").unwrap();
    let address = Some(std::net::Ipv4Addr::LOCALHOST.into());
    let open = || Git::open(world.sources.options.clone(), "secret", url(), address, &world.policy);
    assert!(open().await.err().unwrap().to_string().contains("chmod 600"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let job = open().await.unwrap().job(vec!["fetch".into()]);
    assert!(!format!("{:?}{:?}", job.argv, job.env).contains("hunter2"));
    let text = "fatal: https://me:hunter2@git.invalid/a: hunter2 and https://other:pw@host/x";
    let redacted = credential::redact(text, &["hunter2".to_owned()]);
    assert_eq!(redacted, "fatal: https://***@git.invalid/a: *** and https://***@host/x");
}

#[tokio::test]
async fn looks_at_one_repository_wait_for_each_other_and_few_caches_are_kept() {
    let world = World::new(FetchLimits::default());
    world.commit(&[("a", "b")], "first");
    let source = world.source();
    let key = look::key(&RepoUrl::parse(&source.url).unwrap());
    // Somebody else looks at it: this one waits, and gives up when told to.
    let turn = world.sources.turn(&key).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let refused = world.sources.resolve(&source, &world.policy, &cancel).await;
    assert!(matches!(refused, Err(SourceError::Cancelled)), "{refused:?}");
    // Another repository is looked at meanwhile, many of them.
    let copies = (0..LOOK_CACHES_KEPT + 2).map(|n| format!("{}-{n}", source.url));
    for url in copies {
        let path = url.strip_prefix("file://").unwrap();
        assert!(Command::new("cp").args(["-r", "--"]).arg(world.repository()).arg(path).status().unwrap().success());
        world.resolve(&GitSource { url, ..source.clone() }).await.unwrap();
    }
    drop(turn);
    world.resolve(&source).await.unwrap();
    let caches = || std::fs::read_dir(world.dir.path().join("cache")).unwrap().count();
    assert_eq!(caches(), LOOK_CACHES_KEPT + 3);
    let turn = world.sources.turn(&key).await;
    world.sources.prune_looks().await;
    assert_eq!(caches(), LOOK_CACHES_KEPT);
    drop(turn);
}
