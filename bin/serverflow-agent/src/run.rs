//! `serverflow-agent run`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use sf_agent::daemon::{Daemon, Options};
use sf_runtime::telemetry::{self, LogFormat};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::Fault;
use tokio::signal::unix::{SignalKind, signal};

/// Work under way gets this long when the agent is told to stop; what is cut off is ended truthfully at the next start.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// How the daemon is run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is logged: a level, or a tracing filter.
    #[arg(long, env = "SERVERFLOW_AGENT_LOG", default_value = "info")]
    log: String,
}

pub fn main(state: PathBuf, args: &Args) -> Result<ExitCode, Fault> {
    telemetry::install(&args.log, LogFormat::Auto);
    let program = std::env::current_exe().map_err(|error| crate::internal("this program cannot be found", &error))?;
    let runtime = crate::runtime()?;
    let ended = runtime.block_on(async {
        let tasks = Tasks::new();
        let options = Options { state, program, clock: Clock::system(), rng: Rng::system() };
        let daemon = Box::pin(Daemon::start(options, &tasks)).await?;
        let signals = |kind| signal(kind).map_err(|error| crate::internal("signals cannot be received", &error));
        let (mut terminate, mut interrupt) = (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
        let shutdown = tasks.shutdown();
        let asked = tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
            () = shutdown.requested() => false,
        };
        tracing::info!("stopping; apps go on");
        tasks.stop(STOP_GRACE).await;
        drop(daemon);
        Ok(if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    });
    // A removal under way is cut off here like everything else; the next start ends it.
    runtime.shutdown_background();
    ended
}
