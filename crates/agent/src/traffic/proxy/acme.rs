//! The mode `serverflow-agent acme`: asks a certificate authority for one certificate, in a process of its own that ends
//! with it (RFC 8555, http-01). What it is to do comes on standard input, what came of it goes to standard output.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder,
    OrderStatus, Problem, RetryPolicy,
};
use serde::{Deserialize, Serialize};
use sf_runtime::child::{Child, ChildError};
use sf_types::{DomainName, Email, ErrorKind, Fault, Secret};

use super::nginx::disk;
use crate::release::tree;

/// Bytes of a job at the most.
const JOB_BYTES: u64 = 64 * 1024;
/// Time that one job may take.
pub const LIMIT: Duration = Duration::from_secs(120);
/// How long the authority may look at us, and how long it may then take to sign.
const POLL: Duration = Duration::from_secs(50);
/// Characters of a challenge's token: base64url.
const TOKEN_CHARS: usize = 200;
/// Characters of an authority's words that are told.
const WORDS: usize = 500;

/// What the worker is to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Job {
    /// The authority's directory.
    pub directory: String,
    /// A certificate that vouches for that address.
    pub ca: Option<PathBuf>,
    /// Whom it may write to.
    pub contact: Option<Email>,
    /// File of our account there.
    pub account: PathBuf,
    /// Names wanted.
    pub names: Vec<DomainName>,
    /// Folder of the answers to its questions, which nginx serves.
    pub challenges: PathBuf,
    /// Where `chain.pem` and `key.pem` are put.
    pub out: PathBuf,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Done {
    /// The files are there.
    Made,
    /// They are not.
    Failed(Fault),
}

/// Has `program` do one job, at most [`LIMIT`].
///
/// # Errors
/// Codes `certificate.*`, saying what a person can do.
pub async fn ask(program: &Path, job: &Job) -> Result<(), Fault> {
    let input = serde_json::to_vec(job).unwrap_or_default();
    let finished = Child::new(program).arg("acme").input(Secret::new(input)).finish(LIMIT).await;
    let finished = finished.map_err(|error| match error {
        ChildError::TimedOut { .. } => Fault::new(
            ErrorKind::Timeout,
            "certificate.slow",
            format!("The authority did not answer within {} s.", LIMIT.as_secs()),
        )
        .fix("It is tried again; see whether its status page tells of trouble."),
        start @ ChildError::Start { .. } => {
            Fault::new(ErrorKind::Internal, "certificate.worker", format!("{start}.")).fix("Look into the agent's log.")
        }
    })?;
    match serde_json::from_slice(&finished.stdout) {
        Ok(Done::Made) => Ok(()),
        Ok(Done::Failed(fault)) => Err(fault),
        Err(_) => {
            let words: String = String::from_utf8_lossy(&finished.stderr).chars().take(WORDS).collect();
            let message = format!("Asking for the certificate ended early ({}): {words}", finished.status);
            Err(Fault::new(ErrorKind::Internal, "certificate.worker", message).fix("Look into the agent's log."))
        }
    }
}

/// The mode itself.
pub fn main() -> ExitCode {
    let mut input = Vec::new();
    let read = std::io::stdin().take(JOB_BYTES).read_to_end(&mut input);
    let job: Option<Job> = read.ok().and_then(|_| serde_json::from_slice(&input).ok());
    let (Some(job), Ok(runtime)) = (job, tokio::runtime::Builder::new_current_thread().enable_all().build()) else {
        eprintln!("this mode is started by the daemon, with a job on standard input");
        return ExitCode::FAILURE;
    };
    // Both providers may be linked in; this one is ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match runtime.block_on(obtain(&job)) {
        Ok(()) => Done::Made,
        Err(fault) => Done::Failed(fault),
    };
    println!("{}", serde_json::to_string(&done).unwrap_or_default());
    ExitCode::SUCCESS
}

async fn obtain(job: &Job) -> Result<(), Fault> {
    let account = account(job).await?;
    let names: Vec<_> = job.names.iter().map(|name| Identifier::Dns(name.to_string())).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await.map_err(|error| refused(&error))?;
    let mut shown = Vec::new();
    let validated = validate(job, &mut order, &mut shown).await;
    for path in shown {
        drop(std::fs::remove_file(path));
    }
    validated?;
    let key = order.finalize().await.map_err(|error| refused(&error))?;
    let policy = RetryPolicy::new().timeout(POLL);
    let chain = order.poll_certificate(&policy).await.map_err(|error| refused(&error))?;
    for (name, text) in [("key.pem", key), ("chain.pem", chain)] {
        let path = job.out.join(name);
        tree::write_atomically(&path, text.as_bytes(), 0o600).map_err(|error| disk(&path, &error))?;
    }
    Ok(())
}

/// Our account: made once for each authority.
async fn account(job: &Job) -> Result<Account, Fault> {
    let builder = || match &job.ca {
        Some(ca) => Account::builder_with_root(ca),
        None => Account::builder(),
    };
    let kept: Option<AccountCredentials> =
        std::fs::read(&job.account).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(kept) = kept
        && let Ok(account) = builder().map_err(|error| refused(&error))?.from_credentials(kept).await
    {
        return Ok(account);
    }
    let contact = job.contact.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let created = builder().map_err(|error| refused(&error))?.create(&wanted, job.directory.clone(), None).await;
    let (account, credentials) = created.map_err(|error| refused(&error))?;
    let bytes = serde_json::to_vec(&credentials).unwrap_or_default();
    tree::write_atomically(&job.account, &bytes, 0o600).map_err(|error| disk(&job.account, &error))?;
    Ok(account)
}

/// Shows the authority that the names are ours.
async fn validate(job: &Job, order: &mut instant_acme::Order, shown: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| refused(&error))?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) else {
            let message = "The authority offers no proof by HTTP for this name.";
            return Err(Fault::new(ErrorKind::Unavailable, "certificate.no_http", message)
                .fix("Choose another authority in `proxy.acme` of policy.toml."));
        };
        let answer = challenge.key_authorization();
        let token = answer.as_str().split('.').next().unwrap_or_default();
        // It becomes the name of a file.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if token.is_empty() || token.len() > TOKEN_CHARS || !token.bytes().all(is_plain) {
            let message = "The authority's challenge is malformed.";
            return Err(Fault::new(ErrorKind::Unavailable, "certificate.unusable", message)
                .fix("See that `proxy.acme` in policy.toml names the right authority."));
        }
        let path = job.challenges.join(token);
        tree::write_atomically(&path, answer.as_str().as_bytes(), 0o644).map_err(|error| disk(&path, &error))?;
        shown.push(path);
        challenge.set_ready().await.map_err(|error| refused(&error))?;
    }
    let status = order.poll_ready(&RetryPolicy::new().timeout(POLL)).await.map_err(|error| refused(&error))?;
    if status == OrderStatus::Ready {
        return Ok(());
    }
    Err(why_invalid(order).await)
}

/// An order that became invalid says why at its challenges.
async fn why_invalid(order: &mut instant_acme::Order) -> Fault {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        let name = authorization.identifier().to_string();
        if let Some(problem) = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return of_problem(problem, Some(&name));
        }
    }
    let message = "The authority did not accept the proof, and does not say why.";
    Fault::new(ErrorKind::Unavailable, "certificate.refused", message).fix("It is tried again.")
}

fn refused(error: &Error) -> Fault {
    match error {
        Error::Api(problem) => of_problem(problem, None),
        Error::Timeout(_) => {
            let message = "The authority is still at work after its time.";
            Fault::new(ErrorKind::Timeout, "certificate.slow", message).fix("It is tried again.")
        }
        other => {
            let mut message = format!("The authority cannot be spoken to: {other}");
            let mut source = std::error::Error::source(other);
            while let Some(error) = source {
                message = format!("{message}: {error}");
                source = error.source();
            }
            Fault::new(ErrorKind::Unavailable, "certificate.unreachable", format!("{}.", short(&message)))
                .fix("See that this node reaches it; `proxy.acme` in policy.toml names it.")
        }
    }
}

/// What the authority's kinds of problem mean for people. Source: RFC 8555 section 6.7.
fn of_problem(problem: &Problem, name: Option<&str>) -> Fault {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind);
    let said = problem.detail.clone().into_iter();
    let said = said.chain(problem.subproblems.iter().filter_map(|sub| sub.detail.clone()));
    let words = short(&said.collect::<Vec<_>>().join("; "));
    let of = name.map_or(String::new(), |name| format!(" for {name}"));
    let (code, what, fix) = match kind {
        "dns" => (
            "certificate.dns",
            "The name does not lead to this node",
            "Point its A (and AAAA) record to this node; DNS may take some minutes.",
        ),
        "caa" => (
            "certificate.caa",
            "The name's CAA record does not allow this authority",
            "Add the authority to the CAA record, or remove the record.",
        ),
        "rateLimited" => (
            "certificate.rate_limited",
            "The authority has given out too many certificates",
            "Wait as long as it says; it is tried again by itself.",
        ),
        "connection" | "tls" => (
            "certificate.connection",
            "The authority could not reach this node by the name",
            "Point the name to this node, and let port 80 through its firewall.",
        ),
        "unauthorized" | "incorrectResponse" => (
            "certificate.unauthorized",
            "Another machine answered by this name",
            "Point the name to this node alone: a second A or AAAA record may lead elsewhere.",
        ),
        "rejectedIdentifier" | "unsupportedIdentifier" => (
            "certificate.rejected",
            "The authority gives no certificate for this name",
            "Choose another name, or another authority in `proxy.acme` of policy.toml.",
        ),
        "externalAccountRequired" => (
            "certificate.account",
            "The authority wants an account that was agreed with it",
            "Choose an authority that does not, such as Let's Encrypt.",
        ),
        _ => ("certificate.refused", "The authority refuses", "It is tried again; its words say more."),
    };
    Fault::new(ErrorKind::Unavailable, code, format!("{what}{of}: {words}")).fix(fix)
}

fn short(words: &str) -> String {
    words.chars().map(|character| if character.is_control() { ' ' } else { character }).take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: &str, detail: &str) -> Problem {
        serde_json::from_value(serde_json::json!({
            "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": 400
        }))
        .unwrap()
    }

    #[test]
    fn each_kind_of_refusal_says_what_to_do() {
        for (kind, code) in [
            ("dns", "certificate.dns"),
            ("caa", "certificate.caa"),
            ("rateLimited", "certificate.rate_limited"),
            ("connection", "certificate.connection"),
            ("unauthorized", "certificate.unauthorized"),
            ("rejectedIdentifier", "certificate.rejected"),
            ("somethingNew", "certificate.refused"),
        ] {
            let fault = of_problem(&problem(kind, "its own\nwords"), Some("a.example"));
            assert_eq!(fault.code, code);
            assert!(fault.message.contains("for a.example: its own words"), "{}", fault.message);
            assert!(!fault.fix.is_empty());
        }
    }
}
