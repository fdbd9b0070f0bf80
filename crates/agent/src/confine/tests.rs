//! Real children under real rules.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sf_protocol::app::Limits;
use sf_protocol::report::Stream;
use sf_types::ByteSize;
use tokio_util::sync::CancellationToken;

use super::cgroup::Cgroups;
use super::job::{Done, Job};
use super::*;

fn job(script: &str, confinement: Confinement) -> Job {
    Job {
        argv: ["/usr/bin/python3", "-c", script].map(OsString::from).to_vec(),
        cwd: "/".into(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        confinement,
        group: None,
        time_limit: Duration::from_secs(60),
        spares_user: false,
        disk: None,
    }
}

async fn python(script: &str, confinement: Confinement, group: Option<cgroup::Group>) -> (Done, String) {
    let job = Job { group, ..job(script, confinement) };
    let mut said = String::new();
    let mut sink = |_: Stream, line: String| said.push_str(&format!("{line}\n"));
    let done = job.run(&mut sink, &CancellationToken::new()).await.unwrap();
    (done, said)
}

fn landlocked() -> bool {
    let there = landlock::kernel_abi() >= 4;
    if !there {
        eprintln!("SKIPPED: this kernel has no Landlock with TCP rules");
    }
    there
}

#[tokio::test]
async fn files_and_ports_outside_the_rules_are_refused() {
    if !landlocked() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mine, theirs) = (dir.path().join("mine"), dir.path().join("theirs"));
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(&theirs, "secret").unwrap();
    let script = format!(
        "import socket\n\
         def attempt(name, f):\n\
         \x20try: f(); print(name, 'done')\n\
         \x20except OSError as e: print(name, e.errno)\n\
         attempt('write-mine', lambda: open('{mine}/x', 'w').write('x'))\n\
         attempt('read-theirs', lambda: open('{theirs}').read())\n\
         attempt('read-shadow', lambda: open('/etc/shadow').read())\n\
         attempt('write-usr', lambda: open('/usr/x', 'w'))\n\
         attempt('bind', lambda: socket.socket().bind(('127.0.0.1', 0)))\n\
         attempt('connect', lambda: socket.socket().connect(('127.0.0.1', 9)))\n\
         attempt('null', lambda: open('/dev/null', 'w').write('x'))",
        mine = mine.display(),
        theirs = theirs.display(),
    );
    let confinement = Confinement {
        read_write: vec![mine],
        tcp_bind: TcpRule::Ports(Vec::new()),
        tcp_connect: TcpRule::Ports(vec![443]),
        ..Confinement::strict()
    };
    let (_, said) = python(&script, confinement, None).await;
    let expected = "write-mine done\nread-theirs 13\nread-shadow 13\nwrite-usr 13\nbind 13\nconnect 13\nnull done\n";
    assert_eq!(said, expected);
}

#[tokio::test]
async fn dangerous_calls_are_refused_and_ordinary_ones_work() {
    let script = "import ctypes, os, threading, subprocess\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        def call(name, *args):\n\
        \x20ctypes.set_errno(0); result = libc.syscall(*args); print(name, result, ctypes.get_errno())\n\
        call('unshare', 272, 0x10000000)\n\
        call('mount', 165, 0, 0, 0, 0, 0)\n\
        call('ptrace', 101, 0, 0, 0, 0)\n\
        call('clone-newuser', 56, 0x10000000 | 17, 0, 0, 0, 0)\n\
        call('clone3', 435, 0, 0)\n\
        call('io_uring', 425, 1, 0)\n\
        call('x32-getpid', 0x40000000 + 39)\n\
        call('tiocsti', 16, 0, 0x5412, 0)\n\
        t = threading.Thread(target=lambda: print('thread')); t.start(); t.join()\n\
        print(subprocess.run(['/bin/echo', 'child'], capture_output=True).stdout)";
    if !cfg!(target_arch = "x86_64") {
        return eprintln!("SKIPPED: the numbers of this test are those of x86-64");
    }
    let (_, said) = python(script, Confinement { files: false, ..Confinement::strict() }, None).await;
    let expected = "unshare -1 1\nmount -1 1\nptrace -1 1\nclone-newuser -1 1\nclone3 -1 38\nio_uring -1 38\n\
        x32-getpid -1 38\ntiocsti -1 1\nthread\nb'child\\n'\n";
    assert_eq!(said, expected);
}

#[tokio::test]
async fn another_user_has_no_groups_no_capabilities_and_no_way_back() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("SKIPPED: only root can change the user");
    }
    let script = "import os\nprint(os.getresuid(), os.getresgid(), os.getgroups())\n\
        s = open('/proc/self/status').read()\n\
        print([l.split()[1] for l in s.splitlines() if l.startswith(('CapEff', 'CapBnd', 'NoNewPrivs'))])\n\
        try: os.setuid(0)\nexcept OSError as e: print(e.errno)";
    let confinement = Confinement { user: Some(Identity { uid: 269_911, gid: 269_911 }), ..Confinement::strict() };
    let (_, said) = python(script, confinement, None).await;
    let none = "0000000000000000";
    let id = "(269911, 269911, 269911)";
    assert_eq!(said, format!("{id} {id} []\n['{none}', '{none}', '1']\n1\n"));
}

#[tokio::test]
async fn a_real_control_group_limits_the_whole_tree() {
    let cgroups = Cgroups::detect();
    let limits = Limits { memory: Some(ByteSize::mib(64)), cpu_percent: Some(100), pids: Some(8) };
    let group = match cgroups.create(&format!("test-{}", std::process::id()), &limits) {
        Ok(group) if !group.dirs().is_empty() => group,
        other => return eprintln!("SKIPPED: no control group can be made here: {other:?}"),
    };
    let eat = "import os\nb = []\nwhile True: b.append(os.urandom(1 << 20))";
    let (done, _) = python(eat, Confinement::strict(), Some(group.clone())).await;
    assert!(done.memory_kills > 0 && !done.status.success(), "{done:?}");
    let fork = "import os, signal\nn = 0\ntry:\n while n < 100:\n  if os.fork() == 0: signal.pause()\n  n += 1\n\
        except OSError as e: print(n, e.errno)";
    let (_, said) = python(fork, Confinement::strict(), Some(group.clone())).await;
    assert_eq!(said, "7 11\n");
    assert!(group.pids().is_empty());
    group.remove().unwrap();
}

#[test]
fn it_travels_as_json_and_says_what_it_enforces() {
    let confinement = Confinement {
        read_write: vec!["/srv/app".into()],
        tcp_bind: TcpRule::Ports(vec![80]),
        user: Some(Identity { uid: 210_000, gid: 210_000 }),
        ..Confinement::strict()
    };
    let text = serde_json::to_string(&confinement).unwrap();
    assert_eq!(serde_json::from_str::<Confinement>(&text).unwrap(), confinement);
    assert!(serde_json::from_str::<Confinement>(r#"{"filez":true}"#).is_err());
    let words = confinement.enforces().join("; ");
    assert!(words.contains("own user 210000") && words.contains("no control group"), "{words}");
}

#[test]
fn a_missing_folder_or_right_is_an_error_before_anything_starts() {
    let missing = Confinement { read_write: vec!["/no/such/folder".into()], ..Confinement::strict() };
    assert!(matches!(missing.prepare(), Err(ConfineError::Path { .. })));
    let dir = tempfile::tempdir().unwrap();
    assert!(!reachable_by_others(&dir.path().join("x")));
    std::fs::write(dir.path().join("x"), "").unwrap();
    let open = |mode| std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    open(0o700);
    assert!(!reachable_by_others(&dir.path().join("x")), "the folder is closed to others");
    open(0o711);
    assert!(reachable_by_others(&dir.path().join("x")));
}

#[tokio::test]
async fn a_process_with_a_port_of_its_own_listens_on_no_other() {
    if super::landlock::kernel_abi() < 4 {
        return eprintln!("SKIPPED: this kernel has no TCP rules");
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (own, other) = (free(), free());
    let [own, other] = [own, other].map(|listener| listener.local_addr().unwrap().port());
    let script = format!(
        "import socket\n\
         for port in [{own}, {other}, 0]:\n\
         \x20try:\n\
         \x20 s = socket.socket(); s.bind(('127.0.0.1', port)); print('bound', s.getsockname()[1])\n\
         \x20except OSError as e: print(e.errno)"
    );
    let confined = |ports| Confinement { tcp_bind: TcpRule::Ports(ports), ..Confinement::strict() };
    assert_eq!(python(&script, confined(vec![own]), None).await.1, format!("bound {own}\n13\n13\n"));
    // What the kernel chooses may be allowed as well, and is none that the node gives out.
    if !crate::execute::any_is_apart() {
        return eprintln!("SKIPPED in part: the kernel of this machine chooses from the ports of apps");
    }
    let said = python(&script, confined(vec![own, 0]), None).await.1;
    let chosen = said.strip_prefix(&format!("bound {own}\n13\nbound ")).and_then(|port| port.trim().parse().ok());
    let ours = |port| [crate::execute::STABLE, crate::execute::OWN].iter().any(|range| range.contains(&port));
    assert!(chosen.is_some_and(|port: u16| !ours(port)), "{said}");
}

/// A program that leaves a process in a session of its own, adopted by nobody and deaf to signals, says its pid, then
/// does as `end` says.
fn stray(end: &str) -> String {
    format!(
        "import os, signal, sys, time\n\
         r, w = os.pipe()\n\
         if os.fork() == 0:\n\
         \x20os.setsid()\n\
         \x20if os.fork() != 0: os._exit(0)\n\
         \x20for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)\n\
         \x20print(os.getpid(), flush=True); os.write(w, b'x')\n\
         \x20while True: time.sleep(600)\n\
         os.read(r, 1)\n{end}"
    )
}

fn lives(pid: &str) -> bool {
    crate::process::tree::stat(pid.trim().parse().unwrap()).is_some_and(|stat| stat.state != 'Z')
}

#[tokio::test]
async fn what_a_job_leaves_in_a_session_of_its_own_ends_with_it() {
    for (end, ending) in [
        ("sys.exit(3)", "ended with code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("os.kill(0, signal.SIGTERM)", "was ended by SIGTERM"),
    ] {
        let (done, said) = python(&stray(end), Confinement::strict(), None).await;
        assert_eq!(done.ending(), ending);
        assert!(!said.trim().is_empty() && !lives(&said), "{end}: {said}");
    }
    let argv = ["/no/such/program"].map(OsString::from).to_vec();
    let missing = Job { argv, ..job(&stray(""), Confinement::strict()) };
    assert!(matches!(missing.spawn(std::process::Stdio::null()), Err(ConfineError::Start { .. })));
}

#[tokio::test]
async fn a_job_that_is_cancelled_or_dropped_leaves_nothing() {
    let cancel = CancellationToken::new();
    let mut said = String::new();
    let mut sink = |_: Stream, line: String| {
        said = line;
        cancel.cancel();
    };
    let deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)";
    let done = job(&stray(deaf), Confinement::strict()).run(&mut sink, &cancel).await.unwrap();
    assert_eq!((done.stop.clone(), done.ending().as_str()), (Some(job::Stop::Cancelled), "was ended by SIGKILL"));
    assert!(!lives(&said), "{said}");
    let (running, said) = spoken(job(&stray(deaf), Confinement::strict())).await;
    assert!(lives(&said));
    drop(running);
    assert!(!lives(&said), "{said}");
}

/// Starts a job and answers its first line.
async fn spoken(job: Job) -> (job::Running, String) {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut running = job.spawn(std::process::Stdio::null()).unwrap();
    let mut said = String::new();
    BufReader::new(running.stdout().unwrap()).read_line(&mut said).await.unwrap();
    (running, said)
}

#[test]
fn a_job_ends_with_the_agent_that_started_it() {
    // To the kernel the thread that started it is the agent: it ends here without a word.
    let agent = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (running, said) = runtime.block_on(spoken(job(&stray("time.sleep(600)"), Confinement::strict())));
        std::mem::forget(running);
        said
    };
    let said = std::thread::scope(|scope| scope.spawn(agent).join().unwrap());
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while lives(&said) {
        assert!(std::time::Instant::now() < until, "{said} lives on");
        std::thread::yield_now();
    }
}

/// As root the tests above find other means at work; here they are run once more by a user without rights.
#[test]
fn the_same_holds_without_root() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("SKIPPED: the tests run without root already");
    }
    let own = std::env::current_exe().unwrap();
    if !reachable_by_others(&own) {
        return eprintln!("SKIPPED: other users cannot reach {}", own.display());
    }
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let module = module_path!().split_once("::").unwrap().1;
    for name in [
        "what_a_job_leaves_in_a_session_of_its_own_ends_with_it",
        "a_job_that_is_cancelled_or_dropped_leaves_nothing",
        "a_job_ends_with_the_agent_that_started_it",
    ] {
        let mut command = std::process::Command::new("setpriv");
        command.args(nobody).arg(&own).args(["--exact", &format!("{module}::{name}"), "--nocapture"]);
        let done = command.current_dir("/").output().expect("setpriv of util-linux");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && said.contains("1 passed"), "{name}: {said}");
    }
}
