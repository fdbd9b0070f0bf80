//! The rules: what shows a cause, and what is said about it. `$1` stands for what the pattern found.

use std::sync::LazyLock;

use regex_lite::Regex;
use sf_protocol::report::LogLine;
use sf_types::Fault;

use super::{Cause, Log, MAX_QUOTED, QUOTED_CHARS, cut, quoted};

/// Bytes of a line that are looked at.
const READ_BYTES: usize = 500;

/// One cause and how it shows.
#[derive(Debug)]
pub struct Rule {
    code: &'static str,
    /// Lines that show it.
    lines: &'static [&'static str],
    /// The node's own word that shows it: a code, and what its message has to hold.
    faults: &'static [(&'static str, &'static str)],
    what: &'static str,
    fixes: &'static [&'static str],
}

/// The most telling first: what names its cause stands before what only says that something broke.
const RULES: &[Rule] = &[
    Rule {
        code: "port.in_use",
        lines: &[
            r"EADDRINUSE.*?(?:address already in use)?[ :]+(?:[\w.:\[\]]*:)?(\d{2,5})\b",
            r"(?i)address already in use.*?\b(\d{4,5})\b",
            r"(?i)(?:port|socket) (\d{2,5}).{0,20}(?:in use|already|taken)",
            r"(?i)address already in use()",
        ],
        faults: &[],
        what: "The app wants to listen on port $1, which another program has.",
        fixes: &[
            "Listen on the port in the environment variable PORT, and on the address in HOST, instead of a fixed one: each release gets a port of its own, so that the earlier one can go on serving.",
        ],
    },
    Rule {
        code: "memory",
        lines: &[
            r"(?i)(JavaScript heap out of memory)",
            r"\b(MemoryError)\b",
            r"(?i)\b(out of memory)\b",
            r"(?i)(cannot allocate memory)",
            r"Allowed (memory size of \d+ bytes) exhausted",
            r"(signal: 9, SIGKILL)",
        ],
        faults: &[("build.limit", "memory"), ("deploy.crashed", "SIGKILL"), ("health.ended", "SIGKILL")],
        what: "It used more memory than it may have.",
        fixes: &[
            "Give the app more: `serverflow apps update <app> --memory-mb <MiB>`. For a build the node's owner raises `memory_mb` under `[build]` of policy.toml.",
            "Or have it need less: fewer workers, a smaller cache, `NODE_OPTIONS=--max-old-space-size=<MiB>` for Node.js.",
        ],
    },
    Rule {
        code: "disk.full",
        lines: &[r"\b(ENOSPC)\b", r"(?i)(no space left on device)", r"(?i)(disk quota exceeded)", r"\b(EDQUOT)\b"],
        faults: &[("build.limit", "disk"), ("build.disk", ""), ("release.no_space", "")],
        what: "There is no room left on the disk it writes to.",
        fixes: &[
            "Make room on the node, keep fewer releases (`serverflow apps update <app> --keep-releases <N>`), or let the node's owner raise `disk_mb` under `[build]` of policy.toml.",
        ],
    },
    Rule {
        code: "lockfile.stale",
        lines: &[
            r"`?(npm ci)`? can only install packages when",
            r"(ERR_PNPM_OUTDATED_LOCKFILE)",
            r"(?i)(lockfile would have been modified)",
            r"(?i)your (lockfile needs to be updated)",
            r"(?i)(poetry\.lock.{0,40}(?:changed significantly|not up to date))",
            r"(?i)the (lock ?file .{0,60}needs to be updated)",
            r"(?i)(lockfile at .{0,60}needs to be updated)",
        ],
        faults: &[],
        what: "The lockfile does not fit what the project asks for, and nothing else is installed than what it names.",
        fixes: &["Install once on your own machine, commit the lockfile it writes, and push."],
    },
    Rule {
        code: "package.unknown",
        lines: &[
            r"npm (?:error|ERR!) (?:404|notarget).*?'?(@?[\w./-]+@[\w.^~<>=* -]+)'?",
            r"(?i)no matching (?:distribution|version) found for (\S+)",
            r"(?i)could not find a version that satisfies the requirement (\S+)",
            r"error: no matching package named `([^`]+)` found",
            r"(ERR_PNPM_(?:FETCH_404|NO_MATCHING_VERSION)\S*)",
        ],
        faults: &[],
        what: "The registry has no such package or version: $1.",
        fixes: &[
            "Correct its name or version where dependencies are declared. A private one needs the registry's credential.",
        ],
    },
    Rule {
        code: "version.unfit",
        lines: &[
            r"(?i)(?:npm (?:warn|error) )?(EBADENGINE)",
            r"(?i)(requires Python [^;,]+)",
            r"(?i)(?:requires|needs) (rustc \d[\w.]*)",
            r"go\.mod requires (go >= [\d.]+)",
            r"(?i)(your php version \([^)]*\) does not satisfy)",
            r"(?i)(the engine .node. is incompatible)",
        ],
        faults: &[],
        what: "The project asks for another version of its language than the node has ($1).",
        fixes: &["Install that version on the node for all users, or have the project accept the one that is there."],
    },
    Rule {
        code: "module.missing",
        lines: &[
            r"Cannot find (?:module|package) '([^']+)'",
            r"No module named '?([\w.]+)'?",
            r"no required module provides package ([^\s;]+)",
            r"(?i)class .([\w\\]+). not found",
            r"unresolved (?:import|module) `([^`]+)`",
            r"Could not resolve .([@\w./-]+).(?:$| from)",
        ],
        faults: &[],
        what: "It needs `$1`, which is not there.",
        fixes: &[
            "Declare it among the project's dependencies (not only those for development), and commit the lockfile.",
            "If it is a file of your own, see that it is committed, and that capital letters are the same: the node tells them apart.",
        ],
    },
    Rule {
        code: "program.missing",
        lines: &[
            r"(?:^|[:\s])([\w./-]+): (?:command )?not found$",
            r"spawn ([\w./-]+) ENOENT",
            r"(?i)executable file not found in \$PATH: \S*?([\w./-]+)",
            r"env: .([\w./-]+).: No such file or directory",
        ],
        faults: &[("build.no_program", ""), ("process.program", "")],
        what: "A program that it wants to run is not there: $1.",
        fixes: &["Install it on the node for all users, or declare it as a dependency so that installing brings it."],
    },
    Rule {
        code: "setting.missing",
        lines: &[
            r"KeyError: '([A-Z][A-Z0-9_]{2,})'",
            r"(?i)(?:missing|undefined|unset) (?:required )?(?:environment|env)\.? ?(?:variable|var)s?:? [`'\x22]?([A-Z][A-Z0-9_]{2,})",
            r"(?i)(?:environment|env) ?(?:variable|var) [`'\x22]?([A-Z][A-Z0-9_]{2,})[`'\x22]? (?:is )?(?:not set|missing|required|not found|undefined)",
            r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+) (?:is|must be) (?:not set|required|missing|set|defined|not defined)",
        ],
        faults: &[],
        what: "It wants the setting $1, which it was not given.",
        fixes: &[
            "Give it: `serverflow apps update <app> --env $1=<value>`; a secret with `--env-secret $1=<name of the secret>`.",
        ],
    },
    Rule {
        code: "certificate",
        lines: &[
            r"(?i)(certificate has expired)",
            r"(?i)(self[- ]signed certificate(?: in certificate chain)?)",
            r"(?i)(unable to (?:verify the first|get (?:local )?issuer) certificate)",
            r"(CERTIFICATE_VERIFY_FAILED)",
            r"(?i)(x509: certificate [^;]+)",
            r"(?i)(certificate verify failed)",
            r"(?i)(hostname/IP does not match certificate)",
            r"(?i)(invalid peer certificate: \w+)",
        ],
        faults: &[("source.git", "certificate")],
        what: "A server it speaks to shows a certificate that is not believed: $1.",
        fixes: &[
            "See that it is not expired and names that host. One of an authority of your own has to be known on the node (`update-ca-certificates`).",
        ],
    },
    Rule {
        code: "dns",
        lines: &[
            r"(?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)",
            r"(?i)could not resolve host:? ([\w.-]+)",
            r"(?i)(name or service not known)",
            r"(?i)(temporary failure in name resolution)",
            r"(?i)lookup ([\w.-]+).*no such host",
            r"(?i)failed to lookup address information: (.+)",
        ],
        faults: &[("source.unresolved", "")],
        what: "A name could not be resolved on the node: $1.",
        fixes: &[
            "See whether it is spelt right, and ask there: `getent hosts <name>`. A name of a private network needs its resolver.",
        ],
    },
    Rule {
        code: "service.away",
        lines: &[
            r"ECONNREFUSED ([\w.:\[\]-]+)",
            r"(?i)could not connect to server: (.+)",
            r"(?i)connection to server at (.+?) failed",
            r"(?i)can't connect to (?:local )?(mysql server\S*(?: on \S+)?)",
            r"(?i)dial tcp ([\w.:\[\]-]+): connect: connection refused",
            r"(?i)connection refused.*?([\w.-]+:\d+)",
            r"(?i)\b(connection refused)\b",
        ],
        faults: &[],
        what: "A service it needs does not accept connections: $1.",
        fixes: &[
            "Start that service, or correct the address the app was given. `localhost` is the node itself.",
            "Have the app try again for a while after its start: others may start later than it.",
        ],
    },
    Rule {
        code: "rights",
        lines: &[
            r"EACCES: permission denied,? (?:\w+ )?'?([^']+)'?",
            r"(?i)permission denied: '?([^']+)'?",
            r"(?i)\b(EROFS|read-only file system)\b",
            r"(?i)(?:open|mkdir|bind) (\S+): permission denied",
            r"(?i)\b(permission denied)\b",
        ],
        faults: &[],
        what: "It may not use $1: apps run as users of their own, and a release cannot be changed.",
        fixes: &[
            "Write below the home folder (HOME) or the temporary one (TMPDIR), and listen on PORT: ports below 1024 are not an app's.",
        ],
    },
    Rule {
        code: "repository.refused",
        lines: &[],
        faults: &[("source.refused", ""), ("source.denied", ""), ("source.not_there", ""), ("source.host_key", "")],
        what: "The repository could not be read.",
        fixes: &["See that its address is right and that the node may read it: a private one needs a credential."],
    },
    Rule {
        code: "syntax",
        lines: &[
            r"((?:Syntax|Indentation|Tab)Error: .+)",
            r"(?i)(PHP Parse error: .+)",
            r"^(error(?:\[E\d+\])?: .+)",
            r"(error TS\d+: .+)",
            r"^(\S+\.go:\d+:\d+: .+)",
        ],
        faults: &[],
        what: "The code is refused: $1.",
        fixes: &["Correct the place that the quoted lines name, and push."],
    },
    Rule {
        code: "health.nobody_listens",
        lines: &[],
        faults: &[("health.late", "nothing listens"), ("health.late", "did not accept")],
        what: "The app runs, but nobody listens on the port it was given.",
        fixes: &[
            "Listen on the port in the environment variable PORT, and on the address in HOST (127.0.0.1). A fixed port, as 3000 or 8080, is not looked at.",
            "If it needs longer to start, give it more: `within` under `[health]` of serverflow.app.toml.",
        ],
    },
    Rule {
        code: "health.answer",
        lines: &[],
        faults: &[("health.late", " answered ")],
        what: "The app answers its health check with an error.",
        fixes: &[
            "See that the path of the check exists and answers 200 to 399 without a sign-in. Its log says what it did with the request.",
            "Name another: `path` under `[health]` of serverflow.app.toml, or `serverflow apps update <app> --health-path <path>`.",
        ],
    },
    Rule {
        code: "time",
        lines: &[],
        faults: &[("build.limit", "time"), ("deploy.time", "")],
        what: "It was not ready within its time.",
        fixes: &["Make the build quicker, or let the node's owner raise `seconds` under `[build]` of policy.toml."],
    },
];

/// What looks like an error, for lines that no rule knows.
static BAD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(^|[^\w-])(\w*error|\w*exception|panicked|panic:|fatal|traceback|uncaught|unhandled|failed)([^\w-]|$)",
    )
});

/// Compiled once.
static ALL: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    let compiled =
        |rule: &'static Rule| Compiled { rule, lines: rule.lines.iter().map(|text| pattern(text)).collect() };
    RULES.iter().map(compiled).collect()
});

/// A rule that can be used.
#[derive(Debug)]
pub struct Compiled {
    rule: &'static Rule,
    lines: Vec<Regex>,
}

/// All rules, in their order.
pub fn all() -> &'static [Compiled] {
    &ALL
}

/// Whether a line looks like an error.
pub fn looks_bad(line: &LogLine) -> bool {
    BAD.is_match(head(line))
}

/// What is looked at of a line: who writes without a break is not looked through.
pub fn head(line: &LogLine) -> &str {
    &line.text[..line.text.floor_char_boundary(READ_BYTES)]
}

#[expect(clippy::expect_used, reason = "the table's own patterns; a test compiles each")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of the table")
}

impl Compiled {
    /// The cause, where a line shows it: the last one does, and what was said right before it is quoted, too.
    pub fn in_lines(&self, log: Log, lines: &[&LogLine]) -> Option<Cause> {
        let hit = |line: &LogLine| self.lines.iter().any(|pattern| pattern.is_match(head(line)));
        let last = lines.iter().rposition(|line| hit(line))?;
        let found = self.lines.iter().find_map(|pattern| pattern.captures(head(lines[last])));
        let value = found?.get(1).map_or("", |found| found.as_str()).trim().to_owned();
        let shows = |line: &&&LogLine| hit(line) || looks_bad(line);
        let from = last.saturating_sub(MAX_QUOTED * 2);
        let mut shown: Vec<_> = lines[from..=last].iter().rev().filter(shows).take(MAX_QUOTED).collect();
        shown.reverse();
        Some(self.cause(&value, shown.into_iter().map(|line| quoted(log, line)).collect()))
    }

    /// The cause, where the node's own word shows it.
    pub fn in_fault(&self, fault: &Fault) -> Option<Cause> {
        let is_it = |(code, word): &&(&str, &str)| fault.code == *code && fault.message.contains(word);
        self.rule.faults.iter().find(is_it)?;
        Some(self.cause("", Vec::new()))
    }

    fn cause(&self, value: &str, lines: Vec<super::Quoted>) -> Cause {
        let value = cut(value, QUOTED_CHARS / 4);
        let say = |text: &str| match value.as_str() {
            // What was not named is left out with what introduces it.
            "" => text.replace(": $1.", ".").replace(" port $1,", " a port,").replace(" ($1)", "").replace("$1", "it"),
            value => text.replace("$1", value),
        };
        let fixes = self.rule.fixes.iter().map(|fix| say(fix)).collect();
        Cause { code: self.rule.code, what: say(self.rule.what), fixes, lines }
    }
}
