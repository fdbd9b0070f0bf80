//! The mode `serverflow-agent syntax`: reads one text by the grammar of its language, in a process of its own without any
//! file, network or user, and says where it breaks it. The text may be a stranger's, and the grammars are C: what crashes,
//! hangs or eats memory there is "not checked", and nothing else happens.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_protocol::patch::{FILE_BYTES_MAX, FINDINGS_MAX, Syntax, SyntaxFinding, SyntaxVerdict};
use sf_runtime::child::Child;
use sf_syntax::Language;
use sf_types::{FilePath, Secret};
use tokio::sync::Semaphore;

use crate::confine::{self, Confinement, Identity, Rlimits, TcpRule};

/// Checks at the same time; others wait.
pub const CHECKS_AT_ONCE: usize = 2;
/// Time of one check, its process's start included.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Time for reading alone.
const PARSE_LIMIT: Duration = Duration::from_secs(5);
/// Memory of the process, in bytes.
const MEMORY: u64 = 256 * 1024 * 1024;
/// CPU seconds of the process.
const CPU_SECONDS: u64 = 8;
/// Bytes of a job: JSON may write a byte in six.
const JOB_BYTES: u64 = FILE_BYTES_MAX as u64 * 6 + 4096;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Job {
    path: FilePath,
    text: String,
}

/// Has texts checked.
#[derive(Debug)]
pub struct Checker {
    program: PathBuf,
    user: Option<Identity>,
    room: Semaphore,
}

impl Checker {
    /// `program` has the mode `syntax`, which becomes `user` where the agent is root.
    pub const fn new(program: PathBuf, user: Option<Identity>) -> Self {
        Self { program, user, room: Semaphore::const_new(CHECKS_AT_ONCE) }
    }

    /// Whether `text` is one of its language. Never fails: what cannot be checked is not.
    pub async fn check(&self, path: &FilePath, text: &str) -> Syntax {
        let Some(language) = Language::of(path.as_str(), text) else {
            return unchecked(None, "its language is not one that is known here");
        };
        let name = Some(language.name().to_owned());
        let Ok(_room) = self.room.acquire().await else { return unchecked(name, "the agent is ending") };
        let job = Job { path: path.clone(), text: text.to_owned() };
        let input = Secret::new(serde_json::to_vec(&job).unwrap_or_default());
        let mut child = Child::new(&self.program).arg("syntax");
        if let Some(user) = self.user {
            child = child.args(["--user", &user.uid.to_string()]);
        }
        match child.input(input).finish(LIMIT).await {
            Ok(done) => serde_json::from_slice(&done.stdout).unwrap_or_else(|_| {
                let words = String::from_utf8_lossy(&done.stderr);
                tracing::warn!(status = %done.status, %words, "a syntax check ended early");
                unchecked(name, &format!("the check ended early ({})", done.status))
            }),
            Err(error) => unchecked(name, &error.to_string()),
        }
    }
}

/// Nobody knows.
pub fn unchecked(language: Option<String>, reason: &str) -> Syntax {
    Syntax { verdict: SyntaxVerdict::Unchecked, language, findings: Vec::new(), reason: Some(reason.to_owned()) }
}

/// The mode itself.
pub fn main(user: Option<u32>) -> ExitCode {
    if let Err(error) = confine::apply(&confinement(user)) {
        eprintln!("the check cannot be confined: {error}");
        return ExitCode::FAILURE;
    }
    let mut input = Vec::new();
    let read = std::io::stdin().take(JOB_BYTES).read_to_end(&mut input);
    let job: Option<Job> = read.ok().and_then(|_| serde_json::from_slice(&input).ok());
    let Some(job) = job else {
        eprintln!("this mode is started by the daemon, with a job on standard input");
        return ExitCode::FAILURE;
    };
    println!("{}", serde_json::to_string(&judge(job.path.as_str(), &job.text)).unwrap_or_default());
    ExitCode::SUCCESS
}

fn confinement(user: Option<u32>) -> Confinement {
    Confinement {
        // No folder at all: everything needed is open already.
        files: true,
        tcp_bind: TcpRule::Ports(Vec::new()),
        tcp_connect: TcpRule::Ports(Vec::new()),
        no_shared_memory: true,
        user: user.map(|id| Identity { uid: id, gid: id }),
        seccomp: true,
        no_new_privs: true,
        drop_capabilities: true,
        nice: Some(10),
        rlimits: Rlimits {
            open_files: Some(16),
            data_bytes: Some(MEMORY),
            cpu_seconds: Some(CPU_SECONDS),
            file_bytes: Some(0),
            core_bytes: Some(0),
            ..Rlimits::default()
        },
        ..Confinement::default()
    }
}

fn judge(path: &str, text: &str) -> Syntax {
    let Some(language) = Language::of(path, text) else { return unchecked(None, "its language is not known") };
    let name = Some(language.name().to_owned());
    match sf_syntax::check(language, text, PARSE_LIMIT) {
        Ok(findings) => {
            let verdict = if findings.is_empty() { SyntaxVerdict::Sound } else { SyntaxVerdict::Broken };
            let findings = findings.into_iter().take(FINDINGS_MAX).map(|finding| SyntaxFinding {
                line: finding.line,
                column: finding.column,
                message: finding.message,
            });
            Syntax { verdict, language: name, findings: findings.collect(), reason: None }
        }
        Err(error) => unchecked(name, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_checked_is_not_refused() {
        let checker = Checker::new("/nonexistent".into(), None);
        let syntax = checker.check(&"a.js".parse().unwrap(), "const a = ;").await;
        assert_eq!((syntax.verdict, syntax.language.as_deref()), (SyntaxVerdict::Unchecked, Some("JavaScript")));
        assert!(syntax.reason.is_some());
        let syntax = checker.check(&"a.xyz".parse().unwrap(), "const a = ;").await;
        assert_eq!((syntax.verdict, syntax.language), (SyntaxVerdict::Unchecked, None));
    }

    #[test]
    fn a_broken_text_says_where() {
        let syntax = judge("src/a.json", "{\"a\": 1,\n \"b\": }\n");
        assert_eq!(syntax.verdict, SyntaxVerdict::Broken);
        assert_eq!(syntax.findings[0].line, 2, "{:?}", syntax.findings);
        assert_eq!(judge("src/a.json", "{}").verdict, SyntaxVerdict::Sound);
    }
}
