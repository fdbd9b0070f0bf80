//! The agent: one program with a few modes. `run` is the daemon; `shim` and `relay` are what it leaves behind so that
//! apps outlive it.

mod enrol;
mod run;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sf_agent::state::StateDir;
use sf_types::Fault;

/// ServerFlow's agent: runs apps on this machine by the signed orders of its control plane.
#[derive(Debug, Parser)]
#[command(name = "serverflow-agent", version, about, disable_help_subcommand = true)]
struct Cli {
    /// The agent's folder [default: /var/lib/server-flow as root, else ~/.server-flow].
    #[arg(long, global = true, env = "SERVERFLOW_AGENT_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Make this machine a node of a control plane.
    Enrol(enrol::Args),
    /// Run the daemon in the foreground.
    Run(run::Args),
    /// Say how the agent and its apps are.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon dial its control plane now, without waiting for its next try.
    Redial,
    /// Check the signature of a stored command, without the control plane.
    Verify(show::VerifyArgs),
    /// Look for what may keep this node from working.
    Doctor {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Hold one app process (started by the daemon).
    #[command(hide = true)]
    Shim {
        /// Its specification.
        #[arg(long)]
        spec: PathBuf,
    },
    /// Hold one stable port (started by the daemon).
    #[command(hide = true)]
    Relay {
        /// Its specification.
        #[arg(long)]
        spec: PathBuf,
    },
    /// Stand for one container (started by a shim).
    #[command(hide = true)]
    Attend {
        /// Its specification.
        #[arg(long)]
        spec: PathBuf,
    },
    /// Ask for one certificate (started by the daemon).
    #[command(hide = true)]
    Acme,
    /// Read one text by the grammar of its language (started by the daemon).
    #[command(hide = true)]
    Syntax {
        /// The number of the user to become.
        #[arg(long)]
        user: Option<u32>,
    },
    /// Print the version.
    Version,
}

fn main() -> ExitCode {
    sf_runtime::memory::stay_small();
    let cli = Cli::parse();
    let state = cli.state;
    let done = match cli.mode {
        // The first two fork: nothing may be set up before.
        Mode::Shim { spec } => return sf_agent::shim::main(&spec),
        Mode::Relay { spec } => return sf_agent::relay::main(&spec),
        Mode::Attend { spec } => return sf_agent::shim::attend::main(&spec),
        Mode::Syntax { user } => return sf_agent::patching::syntax_main(user),
        Mode::Acme => return sf_agent::proxy::acme_main(),
        Mode::Enrol(args) => folder(state).and_then(|state| enrol::main(&state, &args)),
        Mode::Run(args) => folder(state).and_then(|state| run::main(state, &args)),
        Mode::Status { json } => folder(state).and_then(|state| show::status(&state, json)),
        Mode::Redial => folder(state).and_then(|state| show::redial(&state)),
        Mode::Verify(args) => folder(state).and_then(|state| show::verify(&state, &args)),
        Mode::Doctor { json } => folder(state).and_then(|state| show::doctor(&state, json)),
        Mode::Version => {
            println!("serverflow-agent {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|fault| {
        eprintln!("serverflow-agent: {} ({})", fault.message, fault.code);
        if !fault.fix.is_empty() {
            eprintln!("  {}", fault.fix);
        }
        ExitCode::FAILURE
    })
}

fn folder(chosen: Option<PathBuf>) -> Result<PathBuf, Fault> {
    chosen.map_or_else(|| StateDir::usual().map_err(Fault::from), Ok)
}

/// A small runtime: one thread, and few for what blocks, since every thread costs memory.
fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    const BLOCKING_THREADS: usize = 8;
    const BLOCKING_STACK_BYTES: usize = 256 * 1024;
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(BLOCKING_STACK_BYTES)
        .thread_keep_alive(std::time::Duration::from_secs(1))
        .build();
    built.map_err(|error| internal("the runtime could not be started", &error))
}

fn internal(what: &str, error: &impl std::fmt::Display) -> Fault {
    Fault::new(sf_types::ErrorKind::Internal, "agent.internal", format!("{what}: {error}"))
}
