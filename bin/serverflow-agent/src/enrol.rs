//! `serverflow-agent enrol`.

use std::path::Path;
use std::process::ExitCode;

use sf_agent::link::ControlUrl;
use sf_agent::link::enrol::{Enroller, InstallLine};
use sf_agent::policy::Policy;
use sf_agent::state::{Registration, StateDir};
use sf_protocol::KeyId;
use sf_protocol::enrol::{EnrolToken, Pending};
use sf_protocol::handshake::BindingKind;
use sf_runtime::{Clock, Rng};
use sf_types::{ErrorKind, Fault};

/// What the install line says.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The control plane: wss://host:7401.
    #[arg(long)]
    url: ControlUrl,
    /// Fingerprint of its root key: sha256:...
    #[arg(long)]
    root: KeyId,
    /// The one-time token: sfe_...; `-` reads it from standard input.
    #[arg(long, env = "SERVERFLOW_ENROL_TOKEN", hide_env_values = true, required_unless_present = "device")]
    token: Option<String>,
    /// Show a code that a person approves, instead of a token.
    #[arg(long, conflicts_with = "token")]
    device: bool,
    /// Bind connections to the host name only: where something of yours in front of the control plane ends TLS.
    #[arg(long)]
    bind_host: bool,
    /// Enrol anew; the node's key and its apps stay.
    #[arg(long)]
    again: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn main(state: &Path, args: &Args) -> Result<ExitCode, Fault> {
    let token = args.token.as_deref().map(read_token).transpose()?;
    let line = InstallLine {
        url: args.url.clone(),
        root: args.root,
        token,
        binding: if args.bind_host { BindingKind::Host } else { BindingKind::Exporter },
        again: args.again,
    };
    let state = StateDir::open(state)?;
    let json = args.json;
    crate::runtime()?.block_on(async {
        let policy = Policy::load(&state.join("policy.toml"))?;
        let facts = sf_agent::facts::gather(&policy).await;
        let enroller = Enroller { state: &state, facts, clock: Clock::system(), rng: Rng::system() };
        let done = enroller.enrol(&line, |pending| show(pending, json)).await.map_err(|error| error.fault())?;
        print(&done, json);
        Ok(ExitCode::SUCCESS)
    })
}

fn read_token(text: &str) -> Result<EnrolToken, Fault> {
    let mut typed = String::new();
    let text = if text == "-" {
        std::io::stdin().read_line(&mut typed).map_err(|error| crate::internal("no token could be read", &error))?;
        typed.trim()
    } else {
        text
    };
    text.parse().map_err(|error| Fault::new(ErrorKind::Invalid, "enrol.token", format!("{error}.")))
}

fn show(pending: &Pending, json: bool) {
    if json {
        println!(
            "{}",
            serde_json::json!({"state": "waiting", "code": pending.code, "words": pending.words, "expiresAt": pending.expires_at})
        );
        return;
    }
    println!("Approve this machine with the code  {}", pending.code);
    println!("Key words, to compare:  {}", pending.words);
    println!("Waiting until {} ...", pending.expires_at);
}

fn print(done: &Registration, json: bool) {
    if json {
        println!(
            "{}",
            serde_json::json!({"state": "enrolled", "node": done.node, "name": done.node_name, "tenant": done.tenant_name})
        );
        return;
    }
    println!("This machine is now {} of {} ({}).", done.node_name, done.tenant_name, done.node);
    println!("Start the agent with: serverflow-agent run");
}
