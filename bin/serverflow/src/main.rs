//! `serverflow`: the control plane and its command line in one program.
//!
//! Start reading at [`cli`] (what can be said), then `command/` (a file a noun), then `clone` (what `make run` does).

mod backup;
mod cli;
mod client;
mod clone;
mod command;
mod config;
mod context;
mod credentials;
mod failure;
mod plane;
mod process;
mod run;
mod screen;
mod value;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::{Exit, Failure};
use crate::screen::Screen;

fn main() -> ExitCode {
    sf_runtime::memory::stay_small();
    let cli = Cli::parse();
    let screen = Screen::new(cli.global.json);
    let outcome = runtime(&cli).and_then(|runtime| {
        let done = runtime.block_on(cli.run(screen));
        // A blocking read of a terminal must not hold the process back.
        runtime.shutdown_background();
        done
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            screen.failure(&failure);
            failure.exit.into()
        }
    }
}

/// The control plane uses every core; a command needs one.
fn runtime(cli: &Cli) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = if cli.is_server() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().map_err(|error| {
        Failure::new(Exit::Failed, "cli.runtime", format!("No thread could be started: {error}."))
            .fix("Raise the limit on processes (`ulimit -u`).")
    })
}
