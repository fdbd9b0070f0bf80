//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::backup;
use crate::clone;
use crate::command::approvals::{deputy, inbox, routing};
use crate::command::apps::{inspect, logs, patch, power, search};
use crate::command::nodes::{enrol, metrics};
use crate::command::panel::{alts, ctrls, files, monitoring, ports, servers};
use crate::command::people::{hosts, keys, mail, mcp, tenants, users};
use crate::command::{admin, apps, audit, completion, config, deploy, doctor, nodes, runs, server, session, workflow};
use crate::context::Context;
use crate::failure::Done;
use crate::screen::Screen;

/// ServerFlow: people, schedules and AI act safely on servers they own.
#[derive(Debug, Parser)]
#[command(name = "serverflow", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 succeeded, 1 failed, 2 usage, 3 rolled back, 4 rejected or denied, \
                        5 expired or cancelled, 6 unreachable.")]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print one JSON document, or JSON lines for streams.
    #[arg(long, global = true)]
    pub json: bool,
    /// The control plane's address [default: the one signed in to last, else http://127.0.0.1:7400].
    #[arg(long, global = true, env = "SERVERFLOW_URL", value_name = "URL")]
    pub server: Option<String>,
    /// A CLI token, instead of the stored one.
    #[arg(long, global = true, env = "SERVERFLOW_TOKEN", hide_env_values = true, value_name = "TOKEN", hide = true)]
    pub token: Option<String>,
    /// A PEM file with the certificate authority of the control plane.
    #[arg(long, global = true, env = "SERVERFLOW_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The configuration file of the commands that work with the control plane's own data.
    #[arg(long, global = true, env = "SERVERFLOW_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything of this clone: control plane, agent and an example app (`make run`)
    Up(clone::up::Args),
    /// End everything that `up` started (`make stop`)
    Down(clone::down::Args),
    /// End everything that `up` started and delete its data (`make reset`)
    Reset(clone::reset::Args),
    /// Run the control plane
    Server(server::Args),
    /// Sign in and store a token
    Login(session::LoginArgs),
    /// Take the stored token back
    Logout,
    /// The machines
    Nodes(nodes::Args),
    /// Ports of machines that servers can be given
    Ports(ports::Args),
    /// Add a machine
    Enrol(enrol::Args),
    /// Servers made from templates: watched and steered
    Servers(servers::Args),
    /// Files of servers: looked at and changed
    Files(files::Args),
    /// How servers are doing, and by which rules people are told
    Monitoring(monitoring::Args),
    /// The apps
    Apps(apps::Args),
    /// Names that lead to apps, and their certificates
    Domains(apps::domains::Args),
    /// What an app's node opens the app's repository with by ssh
    DeployKey(apps::deploy_key::Args),
    /// Pushes to a git host that deploy an app
    Hooks(apps::hooks::Args),
    /// Commands that an app's machine runs by the clock
    Schedules(apps::schedules::Args),
    /// Named values that apps can be given and nobody can read
    Secrets(apps::secrets::Args),
    /// Look into a repository before an app exists
    Inspect(inspect::Args),
    /// Deploy an app and follow it
    Deploy(deploy::Args),
    /// Go back to an earlier release
    Rollback(deploy::RollbackArgs),
    /// Change one file of the live release; what breaks comes back by itself
    Patch(patch::Args),
    /// Start an app
    Start(power::Args),
    /// Stop an app
    Stop(power::Args),
    /// Restart an app
    Restart(power::Args),
    /// Log lines of an app
    Logs(logs::Args),
    /// Look for lines in all logs of an app
    Search(search::Args),
    /// The course of an app or a machine: cpu, memory, network
    Metrics(metrics::Args),
    /// What was done, and how it went
    Runs(runs::Args),
    /// Steps that are written down once and carried out as often as asked
    #[command(visible_alias = "workflows")]
    Workflow(workflow::Args),
    /// Categories of templates
    Ctrls(ctrls::Args),
    /// Templates of servers, and the eggs they come from
    Alts(alts::Args),
    /// What needs you: decisions, what failed, what is to be looked back at, machines in trouble
    Inbox(inbox::Args),
    /// What runs by itself, and who decides about the rest
    Routing(routing::Args),
    /// Who decides instead of you while you are away
    #[command(visible_alias = "deputies")]
    Deputy(deputy::Args),
    /// Who did what
    Activity(audit::activity::Args),
    /// Take the audit chain away, and verify it anywhere
    Audit(audit::Args),
    /// The people of the team
    Users(users::Args),
    /// What programs and AI agents come in by
    Keys(keys::Args),
    /// AI hosts that people have let in
    McpClients(hosts::Args),
    /// The teams of this installation, for those who operate it
    Tenants(tenants::Args),
    /// Whether mail goes
    Mail(mail::Args),
    /// Let an AI host that starts programs speak to the control plane: the Model Context Protocol, a message a line
    Mcp,
    /// Check this machine and the control plane
    Doctor,
    /// The whole control plane in one encrypted file, and back
    Backup(backup::BackupArgs),
    /// Work on the control plane's data folder
    Admin(admin::Args),
    /// Print the completion script of a shell
    Completion(completion::Args),
    /// Print the effective configuration, secrets masked
    Config,
}

impl Cli {
    /// Whether this process becomes a control plane.
    pub const fn is_server(&self) -> bool {
        matches!(self.command, Command::Up(_) | Command::Server(_))
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Whatever stopped it.
    pub async fn run(self, screen: Screen) -> Done {
        let context = Context::new(self.global, screen);
        match self.command {
            Command::Up(args) => clone::up::run(&context, args).await,
            Command::Down(args) => clone::down::run(&context, args).await,
            Command::Reset(args) => clone::reset::run(&context, args).await,
            Command::Server(args) => server::run(&context, args).await,
            Command::Login(args) => session::login(&context, args).await,
            Command::Logout => session::logout(&context).await,
            Command::Nodes(args) => nodes::run(&context, args).await,
            Command::Ports(args) => ports::run(&context, args).await,
            Command::Enrol(args) => enrol::run(&context, args).await,
            Command::Servers(args) => servers::run(&context, args).await,
            Command::Files(args) => files::run(&context, args).await,
            Command::Monitoring(args) => monitoring::run(&context, args).await,
            Command::Apps(args) => apps::run(&context, args).await,
            Command::Domains(args) => apps::domains::run(&context, args).await,
            Command::DeployKey(args) => apps::deploy_key::run(&context, args).await,
            Command::Hooks(args) => apps::hooks::run(&context, args).await,
            Command::Schedules(args) => apps::schedules::run(&context, args).await,
            Command::Secrets(args) => apps::secrets::run(&context, args).await,
            Command::Inspect(args) => inspect::run(&context, args).await,
            Command::Deploy(args) => deploy::run(&context, args).await,
            Command::Rollback(args) => deploy::rollback(&context, args).await,
            Command::Patch(args) => patch::run(&context, args).await,
            Command::Start(args) => power::run(&context, "start", args).await,
            Command::Stop(args) => power::run(&context, "stop", args).await,
            Command::Restart(args) => power::run(&context, "restart", args).await,
            Command::Logs(args) => logs::run(&context, args).await,
            Command::Search(args) => search::run(&context, args).await,
            Command::Metrics(args) => metrics::run(&context, args).await,
            Command::Runs(args) => runs::run(&context, args).await,
            Command::Workflow(args) => workflow::run(&context, args).await,
            Command::Alts(args) => alts::run(&context, args).await,
            Command::Ctrls(args) => ctrls::run(&context, args).await,
            Command::Inbox(args) => inbox::run(&context, args).await,
            Command::Routing(args) => routing::run(&context, args).await,
            Command::Deputy(args) => deputy::run(&context, args).await,
            Command::Activity(args) => audit::activity::run(&context, args).await,
            Command::Audit(args) => audit::run(&context, args).await,
            Command::Users(args) => users::run(&context, args).await,
            Command::Keys(args) => keys::run(&context, args).await,
            Command::McpClients(args) => hosts::run(&context, args).await,
            Command::Tenants(args) => tenants::run(&context, args).await,
            Command::Mail(args) => mail::run(&context, args).await,
            Command::Mcp => mcp::run(&context).await,
            Command::Doctor => doctor::run(&context).await,
            Command::Backup(args) => backup::run(&context, args).await,
            Command::Admin(args) => admin::run(&context, args).await,
            Command::Completion(args) => completion::run(&args),
            Command::Config => config::run(&context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// A command's own argument of the same name would take the value that every command reads.
    #[test]
    fn no_command_has_an_argument_named_as_one_of_all() {
        fn look(command: &clap::Command, global: &[String], path: &str) {
            for one in command.get_subcommands() {
                let path = format!("{path} {}", one.get_name());
                let own = one.get_arguments().filter(|arg| !arg.is_global_set()).map(|arg| arg.get_id().to_string());
                for id in own {
                    assert!(!global.contains(&id), "`{path}` has an argument `{id}`, as all commands do");
                }
                look(one, global, &path);
            }
        }
        let cli = Cli::command();
        let global: Vec<_> =
            cli.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().to_string()).collect();
        assert!(global.contains(&"server".to_owned()), "{global:?}");
        look(&cli, &global, "serverflow");
    }
}
