//! The reference pages, made from what the program itself uses. A test keeps the committed ones the same.

mod document;
mod hosts;
mod notifications;
mod workflows;

use std::fmt::Write;

use serde_json::Value;
use sf_actions::permission::category;
use sf_actions::role::built_in;
use sf_actions::{Action, Permission, Place};
use sf_types::ByteSize;

pub use self::document::{workflow, workflow_schema};
use crate::route::reference::specs;

/// First line of every generated page.
const NOTE: &str = "<!-- Generated from the program. Change the source, then run the tests with SF_BLESS=1. -->\n\n";

/// `docs/reference/actions.md`.
pub fn actions() -> String {
    let mut page = format!("{NOTE}# Actions\n\nEvery change is one of these. Each is proposed, authorised, admitted, ");
    page.push_str("recorded and audited the same way, whoever asks.\n\n");
    page.push_str("| action | what it does | needs | acts on | effect | risk | limit | carried out by | undone by |\n");
    page.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for spec in specs() {
        let place = if spec.place == "node" { "a node" } else { "the control plane" };
        let undo = spec.undo.map_or_else(|| "-".to_owned(), |undo| format!("`{undo}`"));
        row(
            &mut page,
            &[
                &format!("`{}`", spec.name),
                &format!("**{}.** {}", spec.title, spec.help),
                &format!("`{}`", spec.permission),
                &spec.target,
                &spec.effect,
                &spec.risk.to_string(),
                &format!("{} min", spec.time_limit_secs / 60),
                place,
                &undo,
            ],
        );
    }
    page
}

/// `docs/reference/permissions.md`.
pub fn permissions() -> String {
    let mut page = format!(
        "{NOTE}# Permissions\n\nWritten `category:verb`. Roles are sets of them, given at the team, a project, a \
         machine, an app or a server; what is given at an object holds for everything inside it.\n\n"
    );
    page.push_str("## Built-in roles\n\n| role | name | for whom |\n|---|---|---|\n");
    for role in built_in::ALL {
        row(&mut page, &[role.title, &format!("`{}`", role.name), role.help]);
    }
    page.push_str(
        "\nA team adds roles of its own (`GET /roles`). Nobody gives, or takes, what they do not have there \
        themselves; a key (`POST /tokens`) may do what both its person and its limits allow.\n",
    );
    for category in category::ALL {
        write!(page, "\n## {} (`{}`)\n\n| permission |", category.title, category.name).expect("text takes all");
        let head: String = built_in::ALL.iter().map(|role| format!(" {} |", role.name)).collect();
        let line = "---|".repeat(built_in::ALL.len());
        writeln!(page, "{head} actions that need it |\n|---|{line}---|").expect("text takes all");
        category.permissions().for_each(|permission| permission_row(&mut page, permission));
    }
    page
}

fn permission_row(page: &mut String, permission: Permission) {
    let needing = || Action::all_specs().filter(|spec| spec.permission == permission);
    let mut names: Vec<_> = needing().map(|spec| format!("`{}`", spec.name)).collect();
    if needing().any(|spec| spec.place == Place::Engine) {
        names.push("`run.cancel` of a workflow's run".to_owned());
    }
    let names = if names.is_empty() { "-".to_owned() } else { names.join(", ") };
    let held = built_in::ALL.iter().map(|role| if role.permissions.has(permission) { "yes" } else { "" });
    let name = format!("`{permission}`");
    let cells: Vec<&str> = std::iter::once(name.as_str()).chain(held).chain([names.as_str()]).collect();
    row(page, &cells);
}

/// What is limited, how much, and by which constant.
pub type Row = (&'static str, String, &'static str);

fn bytes(count: usize) -> String {
    ByteSize(u64::try_from(count).unwrap_or(u64::MAX)).to_string()
}

fn secs(time: std::time::Duration) -> String {
    format!("{} s", time.as_secs())
}

/// `docs/reference/limits.md`, with the limits of the edges beside this one.
pub fn limits(beside: Vec<Row>) -> String {
    let mut page = format!("{NOTE}# Limits\n\nEverything has a limit, and every limit has a name.\n\n");
    page.push_str("| what | limit | where |\n|---|---|---|\n");
    for (what, limit, place) in all_limits().into_iter().chain(beside) {
        row(&mut page, &[what, &limit, &format!("`{place}`")]);
    }
    page
}

fn all_limits() -> Vec<Row> {
    let rates = crate::rate::Rates::default();
    let rate = |rate: sf_runtime::Rate| format!("{} at once, {} a second", rate.burst, rate.per_minute / 60);
    let mut rows = vec![
        ("request body", bytes(crate::body::MAX_BODY_BYTES), "api::body::MAX_BODY_BYTES"),
        ("the same of a template", bytes(crate::body::MAX_ALT_BODY_BYTES), "api::body::MAX_ALT_BODY_BYTES"),
        ("the same of an egg", bytes(crate::body::MAX_EGG_BODY_BYTES), "api::body::MAX_EGG_BODY_BYTES"),
        ("request head", bytes(crate::serve::MAX_HEAD_BYTES), "api::serve::MAX_HEAD_BYTES"),
        ("time to send a request's head", secs(crate::serve::HEAD_TIMEOUT), "api::serve::HEAD_TIMEOUT"),
        ("time an answer may lie unread", secs(crate::serve::UNREAD_TIMEOUT), "api::serve::UNREAD_TIMEOUT"),
        ("time for a TLS handshake", secs(crate::serve::TLS_TIMEOUT), "api::serve::TLS_TIMEOUT"),
        ("connections", crate::serve::MAX_CONNECTIONS.to_string(), "api::serve::MAX_CONNECTIONS"),
        (
            "connections of an address",
            crate::serve::CONNECTIONS_PER_ADDRESS.to_string(),
            "api::serve::CONNECTIONS_PER_ADDRESS",
        ),
        ("time to drain at a stop", secs(crate::serve::DRAIN), "api::serve::DRAIN"),
        ("time of a request", secs(crate::layer::rescue::REQUEST_TIMEOUT), "api::layer::rescue::REQUEST_TIMEOUT"),
        ("the same where a node answers", secs(crate::layer::rescue::NODE_TIMEOUT), "api::layer::rescue::NODE_TIMEOUT"),
        ("requests of an address", rate(rates.address), "api::rate::Rates::address"),
        ("requests of a principal", rate(rates.principal), "api::rate::Rates::principal"),
        ("sign-ins of an address", rate(rates.sign_in), "api::rate::Rates::sign_in"),
        ("callers remembered", crate::rate::MAX_CALLERS.to_string(), "api::rate::MAX_CALLERS"),
        (
            "idempotency key",
            format!("{} characters", crate::layer::idempotency::MAX_KEY_CHARS),
            "api::layer::idempotency::MAX_KEY_CHARS",
        ),
        (
            "answer kept for a key",
            bytes(crate::layer::idempotency::MAX_KEPT_BYTES),
            "api::layer::idempotency::MAX_KEPT_BYTES",
        ),
        (
            "piece of an upload",
            bytes(usize::try_from(crate::route::panel::files::upload::PIECE_MAX).unwrap_or(usize::MAX)),
            "api::route::panel::files::upload::PIECE_MAX",
        ),
        ("time for one", secs(crate::layer::rescue::TRANSFER_TIMEOUT), "api::layer::rescue::TRANSFER_TIMEOUT"),
        ("time a transfer may stand still", secs(sf_control::STALL_LIMIT), "control::panel::transfers::STALL_LIMIT"),
        (
            "life of a download's link",
            secs(sf_control::queries::panel::transfers::LINK_LIFETIME),
            "control::queries::panel::transfers::LINK_LIFETIME",
        ),
        (
            "file that can be patched or read",
            bytes(usize::try_from(sf_protocol::patch::FILE_BYTES_MAX).unwrap_or(usize::MAX)),
            "protocol::patch::FILE_BYTES_MAX",
        ),
        (
            "text of a patch, as JSON writes it",
            bytes(sf_protocol::patch::TEXT_JSON_BYTES_MAX),
            "protocol::patch::TEXT_JSON_BYTES_MAX",
        ),
        ("time an answer is kept", secs(sf_store::idempotency::KEPT), "store::idempotency::KEPT"),
        ("machines that wait for a person", sf_store::devices::MAX_PENDING.to_string(), "store::devices::MAX_PENDING"),
        (
            "the same of one address",
            sf_control::enrolment::MAX_WAITING_PER_ADDRESS.to_string(),
            "control::enrolment::MAX_WAITING_PER_ADDRESS",
        ),
        ("roles of a team's own", sf_store::roles::MAX_ROLES.to_string(), "store::roles::MAX_ROLES"),
        ("roles and permissions of a person", sf_store::grants::MAX_GRANTS.to_string(), "store::grants::MAX_GRANTS"),
        ("servers of one person", sf_store::grants::MAX_OWN_SERVERS.to_string(), "store::grants::MAX_OWN_SERVERS"),
        ("projects of a team", sf_store::tenants::MAX_PROJECTS.to_string(), "store::tenants::MAX_PROJECTS"),
        ("address ranges of a key", sf_actions::access::MAX_ADDRESSES.to_string(), "actions::access::MAX_ADDRESSES"),
        ("rows of a page", sf_types::PageRequest::MAX_ROWS.to_string(), "types::PageRequest::MAX_ROWS"),
        (
            "rows of a page unless asked",
            sf_types::PageRequest::DEFAULT_ROWS.to_string(),
            "types::PageRequest::DEFAULT_ROWS",
        ),
        ("points of metrics", sf_store::metrics::MAX_POINTS.to_string(), "store::metrics::MAX_POINTS"),
        (
            "samples kept of one machine or app, whatever their age",
            sf_store::metrics::history::MAX_SAMPLES_KEPT.to_string(),
            "store::metrics::history::MAX_SAMPLES_KEPT",
        ),
        (
            "samples in one row of the history",
            sf_store::metrics::fold::MAX_SAMPLES.to_string(),
            "store::metrics::fold::MAX_SAMPLES",
        ),
        ("value of a secret", bytes(sf_actions::secret::MAX_VALUE_BYTES), "actions::secret::MAX_VALUE_BYTES"),
        ("secrets of a project", sf_store::secrets::MAX_PER_PROJECT.to_string(), "store::secrets::MAX_PER_PROJECT"),
        ("versions kept of a secret", sf_store::secrets::VERSIONS_KEPT.to_string(), "store::secrets::VERSIONS_KEPT"),
        (
            "description of a secret",
            format!("{} characters", sf_actions::secret::MAX_DESCRIPTION_CHARS),
            "actions::secret::MAX_DESCRIPTION_CHARS",
        ),
        (
            "time of a verification of the audit chain",
            secs(crate::layer::rescue::CHAIN_TIMEOUT),
            "api::layer::rescue::CHAIN_TIMEOUT",
        ),
        (
            "time of one request to look for lines in logs",
            format!("{} ms", sf_control::queries::logs::SEARCH_TIME.as_millis()),
            "control::queries::logs::SEARCH_TIME",
        ),
        (
            "lines of logs found in one answer",
            sf_control::queries::logs::MAX_HITS.to_string(),
            "control::queries::logs::MAX_HITS",
        ),
        (
            "lines on each side of one found",
            sf_control::queries::logs::MAX_CONTEXT.to_string(),
            "control::queries::logs::MAX_CONTEXT",
        ),
        (
            "text or expression looked for in logs",
            format!("{} characters", sf_control::queries::logs::pattern::MAX_PATTERN_CHARS),
            "control::queries::logs::pattern::MAX_PATTERN_CHARS",
        ),
        (
            "compiled expression looked for in logs",
            bytes(sf_control::queries::logs::pattern::MAX_PATTERN_BYTES),
            "control::queries::logs::pattern::MAX_PATTERN_BYTES",
        ),
        (
            "logs looked at by one search",
            sf_store::logs::MAX_LOGS_PER_SEARCH.to_string(),
            "store::logs::MAX_LOGS_PER_SEARCH",
        ),
        (
            "days an app's log lines are kept",
            sf_actions::app::LogsKept::MAX_DAYS.to_string(),
            "actions::app::LogsKept::MAX_DAYS",
        ),
        (
            "log lines kept of an app",
            format!("{} MiB", sf_actions::app::LogsKept::MAX_MEBIBYTES),
            "actions::app::LogsKept::MAX_MEBIBYTES",
        ),
        ("lines kept of one log", sf_store::logs::MAX_LINES_PER_LOG.to_string(), "store::logs::MAX_LINES_PER_LOG"),
    ];
    rows.extend(sign_in_limits());
    rows.extend(socket_limits());
    rows.extend(people_limits());
    rows.extend(audit_limits());
    rows.extend(workflows::limits());
    rows.extend(notifications::limits());
    rows.extend(hosts::limits());
    rows
}

fn people_limits() -> Vec<Row> {
    use sf_control::mail;
    use sf_control::people::{account, invitations, passwords};
    vec![
        (
            "life of an invitation",
            secs(invitations::INVITATION_LIFETIME),
            "control::people::invitations::INVITATION_LIFETIME",
        ),
        (
            "open invitations of a team",
            invitations::MAX_OPEN_INVITATIONS.to_string(),
            "control::people::invitations::MAX_OPEN_INVITATIONS",
        ),
        (
            "invitations to an address in a day",
            invitations::MAX_INVITATIONS_A_DAY.to_string(),
            "control::people::invitations::MAX_INVITATIONS_A_DAY",
        ),
        (
            "life of a link for a new password",
            secs(passwords::RESET_LIFETIME),
            "control::people::passwords::RESET_LIFETIME",
        ),
        (
            "links for a new password in an hour",
            passwords::MAX_RESETS_AN_HOUR.to_string(),
            "control::people::passwords::MAX_RESETS_AN_HOUR",
        ),
        ("lost passwords looked at at once", mail::MAX_FORGOTTEN.to_string(), "control::mail::MAX_FORGOTTEN"),
        ("letters taken at a time", mail::BATCH.to_string(), "control::mail::BATCH"),
        ("tries of a letter", mail::MAX_ATTEMPTS.to_string(), "control::mail::MAX_ATTEMPTS"),
        ("time a mail server gets for a letter", secs(mail::SEND_TIMEOUT), "control::mail::SEND_TIMEOUT"),
        ("time a letter is in one control plane's hands", secs(mail::LEASE), "control::mail::LEASE"),
        (
            "language tag",
            format!("{} characters", account::MAX_LOCALE_CHARS),
            "control::people::account::MAX_LOCALE_CHARS",
        ),
        ("mail address", format!("{} characters", sf_types::Email::MAX), "types::Email::MAX"),
    ]
}

fn sign_in_limits() -> Vec<Row> {
    use sf_identity::{device, recovery, throttle};
    use sf_store::{cli_logins, lockout, tickets};
    let slows = |limits: throttle::Limits| format!("{} free, then up to {} apart", limits.free, secs(limits.longest));
    vec![
        (
            "failed sign-ins of an account in a row",
            throttle::MOST_FAILURES.to_string(),
            "identity::throttle::MOST_FAILURES",
        ),
        ("the same from networks it does not know", slows(throttle::STRANGERS), "identity::throttle::STRANGERS"),
        ("the same from networks it knows", slows(throttle::KNOWN), "identity::throttle::KNOWN"),
        ("failed sign-ins of a network", slows(throttle::NETWORK), "identity::throttle::NETWORK"),
        ("wrong codes of programs a person types", slows(throttle::CODES), "identity::throttle::CODES"),
        ("time until failed sign-ins are forgotten", secs(throttle::STRANGERS.forget), "identity::throttle::STRANGERS"),
        ("counters of failed sign-ins", lockout::MAX_COUNTERS.to_string(), "store::lockout::MAX_COUNTERS"),
        ("time for a second factor", secs(sf_control::sign_in::TICKET_LIFETIME), "control::sign_in::TICKET_LIFETIME"),
        (
            "life of a password that a command printed",
            secs(sf_control::sign_in::GIVEN_PASSWORD_LIFETIME),
            "control::sign_in::GIVEN_PASSWORD_LIFETIME",
        ),
        ("codes tried with one ticket", tickets::MAX_ATTEMPTS.to_string(), "store::tickets::MAX_ATTEMPTS"),
        ("recovery codes", recovery::CODES.to_string(), "identity::recovery::CODES"),
        ("time of a program's code", secs(device::LIFETIME), "identity::device::LIFETIME"),
        ("programs that wait to be signed in", cli_logins::MAX_PENDING.to_string(), "store::cli_logins::MAX_PENDING"),
        (
            "the same of one address",
            cli_logins::MAX_PENDING_PER_NETWORK.to_string(),
            "store::cli_logins::MAX_PENDING_PER_NETWORK",
        ),
    ]
}

fn audit_limits() -> Vec<Row> {
    use sf_control::{audit, refusals};
    vec![
        ("audit lines without a signature", audit::CHECKPOINT_LINES.to_string(), "control::audit::CHECKPOINT_LINES"),
        ("the same in time", secs(audit::CHECKPOINT_EVERY), "control::audit::CHECKPOINT_EVERY"),
        (
            "time between two looks at a chain without new lines",
            secs(audit::LOOKED_AT_EVERY),
            "control::audit::LOOKED_AT_EVERY",
        ),
        (
            "nodes shown a signed head at a time",
            audit::WITNESSES_AT_ONCE.to_string(),
            "control::audit::WITNESSES_AT_ONCE",
        ),
        ("witnesses named for one chain", audit::WITNESSES_SHOWN.to_string(), "control::audit::WITNESSES_SHOWN"),
        (
            "lines a minute about what is refused to one principal",
            refusals::LINES_A_MINUTE.to_string(),
            "control::refusals::LINES_A_MINUTE",
        ),
        ("audit exports at a time", audit::EXPORTS_AT_ONCE.to_string(), "control::audit::EXPORTS_AT_ONCE"),
        (
            "time every checkpoint is kept, then one an hour",
            secs(audit::retention::CHECKPOINTS_ALL),
            "control::audit::retention::CHECKPOINTS_ALL",
        ),
        (
            "time one an hour is kept, then one a day",
            secs(audit::retention::CHECKPOINTS_HOURLY),
            "control::audit::retention::CHECKPOINTS_HOURLY",
        ),
        (
            "a detail of an audit line",
            ByteSize(sf_store::audit::fields::MAX_FIELD_BYTES as u64).to_string(),
            "store::audit::fields::MAX_FIELD_BYTES",
        ),
    ]
}

fn socket_limits() -> Vec<Row> {
    use crate::ws;
    vec![
        (
            "event sockets of a principal",
            crate::ApiOptions::SOCKETS_PER_PRINCIPAL.to_string(),
            "api::ApiOptions::SOCKETS_PER_PRINCIPAL",
        ),
        ("socket message", ByteSize(ws::MAX_MESSAGE_BYTES as u64).to_string(), "api::ws::MAX_MESSAGE_BYTES"),
        (
            "socket messages in 4 s",
            ws::socket::MAX_MESSAGES_PER_BEAT.to_string(),
            "api::ws::socket::MAX_MESSAGES_PER_BEAT",
        ),
        ("topics of a socket", ws::socket::MAX_TOPICS.to_string(), "api::ws::socket::MAX_TOPICS"),
        (
            "events repeated for `after`",
            ws::socket::backlog::MAX_REPLAYED.to_string(),
            "api::ws::socket::backlog::MAX_REPLAYED",
        ),
        ("events waiting for a slow reader", sf_bus::Options::QUEUE_EVENTS.to_string(), "bus::Options::QUEUE_EVENTS"),
        ("silence of a socket's peer", secs(ws::end::SILENCE), "api::ws::end::SILENCE"),
        ("time to write to a socket", secs(ws::end::SEND_TIMEOUT), "api::ws::end::SEND_TIMEOUT"),
        ("time until a revoked token's socket ends", secs(ws::end::BEAT), "api::ws::end::BEAT"),
    ]
}

/// `docs/reference/api.md`.
pub fn api() -> String {
    let document: Value = serde_json::from_str(&crate::openapi::json()).expect("our own JSON");
    let mut page = format!("{NOTE}# API\n\n{API}\n## Routes\n\n");
    page.push_str("| method | path | what | body | answer | open |\n|---|---|---|---|---|---|\n");
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let open = crate::caller::OPEN
                .iter()
                .any(|(open, route)| open.as_str().eq_ignore_ascii_case(method) && *route == path);
            row(
                &mut page,
                &[
                    &method.to_uppercase(),
                    &format!("`{path}`"),
                    operation["summary"].as_str().unwrap_or_default(),
                    &body(operation),
                    &answers(operation),
                    if open { "yes" } else { "" },
                ],
            );
        }
    }
    page
}

fn body(operation: &Value) -> String {
    let reference = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    reference.as_str().map_or_else(String::new, |text| format!("`{}`", last(text)))
}

fn answers(operation: &Value) -> String {
    let answers = operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| {
        let schema = &answer["content"]["application/json"]["schema"]["$ref"];
        match schema.as_str() {
            Some(text) => format!("{status} `{}`", last(text).trim_start_matches("Envelope_")),
            None => status.clone(),
        }
    });
    answers.collect::<Vec<_>>().join(", ")
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("a string takes all that is written to it");
}

const API: &str = r#"Base `/api/v1`, JSON, camelCase; the whole description is in `openapi/serverflow.json` and at
`GET /api/v1/openapi.json`.

**Envelope.** `{"success", "data", "error": {"code", "message", "details": {"fix"?, "field"?, "findings"?}} | null, "meta":
{"requestId", "timestamp", "page"?: {"next"}}}`. Times are RFC 3339 with milliseconds, ids are UUIDs. `X-Request-Id` is
answered, and taken where it is a UUID.

**Credentials.** `Authorization: Bearer <access token or sf_ token>`. Browsers keep their refresh token in a cookie that
scripts cannot read; requests with it need an `Origin` of our own, the header `X-Serverflow-Client`, and the value of the
cookie `__Host-sf_csrf` (by plain HTTP on loopback: `sf_csrf`) in the header `X-Serverflow-Csrf`.

**Writes** take `?dryRun=true` (answered with a plan) and `Idempotency-Key` (1 to 255 visible ASCII characters), apart
from those below `/auth/`, which hold passwords and codes and are never replayed: the same request with the same key is answered again with `Idempotent-Replayed: true`, another request with it is a conflict. What
waits for a person or a machine answers 202 with its run.

**Lists** take `limit` (up to 200) and `after` (the `next` of the page before), newest first.

**Status.** 400 refused value, 401 no good credential, 403 missing right, 404 not there or hidden, 405 wrong method, 409
conflict, 413 too large, 415 not JSON, 421 unknown host name, 429 too often (`Retry-After`), 500 our defect, 503 not now,
504 took too long. Unknown fields are refused.

**Events.** `GET /api/v1/ws`, text messages. The token comes as `Authorization`, or as subprotocol
`serverflow.bearer.<token>` beside `serverflow.v1`. A client says `{"subscribe": {"topics": [...], "after"?: "<seq>",
"afterLine"?: "<n>"}}`, `{"unsubscribe": {"topics": [...]}}` or `{"ping": n}`. Topics: `run:<id>`, `app:<id>`,
`node:<id>`, `logs:app:<id>`, `logs:run:<id>`, `runs`, `apps`, `nodes`, `approvals`, `users`, `projects`, `workflows`, `system`. It hears
`{"event", "seq"?, "topic", "at", "data"}`; `{"subscribed": {"topics", "seq"}}` once everything up to `seq` was told (until
then, resume from what you asked for); `{"event": "lagged", "from", "to"}` when it was too slow (subscribe again with
`after` before `from`); `{"error": {"code", "message", "fix"}}`. Close codes: 1001 stopping, 1008 refused, 1013 too slow,
4401 the token is no longer good.
"#;
