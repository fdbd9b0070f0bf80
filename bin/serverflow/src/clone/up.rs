//! `up`: everything of this clone, from nothing to an app that answers. What is there already is found, not made again.

mod summary;
mod tools;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sf_runtime::{Rng, telemetry};

use super::agent;
use super::example::{Example, NAME};
use super::place::{Place, Record};
use crate::client::Client;
use crate::command::session;
use crate::config::Config;
use crate::context::Context;
use crate::credentials::Stored;
use crate::failure::{Done, Exit, Failure};
use crate::plane::{Plane, port_taken, stop_signal};
use crate::process::{Identity, port_owner};
use crate::run;
use crate::screen::{Progress, Tone};
use crate::value;
use summary::{Summary, Welcome};
pub use tools::version as tool_version;

/// Port of the API unless told otherwise.
const DEFAULT_PORT: u16 = 7400;
/// The first administrator's address; nothing is ever sent there.
const ADMIN: &str = "admin@localhost.localdomain";
/// The first administrator's name.
const ADMIN_NAME: &str = "Admin";
/// Time an app gets to be seen running after everything was started again.
const RUNNING_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Arguments of `up`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Port of the API [default: the one of the last time, else 7400]; agents use the next one.
    #[arg(long)]
    port: Option<u16>,
    /// The agent's program.
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// The state folder, where it shall not be this clone's own.
    #[arg(long, value_name = "DIR", env = "SERVERFLOW_STATE")]
    state: Option<PathBuf>,
}

/// Starts what is not running, deploys the example where there is none, then serves until Ctrl-C.
///
/// # Errors
/// A missing tool, a taken port, whatever stopped a step. What was done by then is kept and found by the next call.
pub async fn run(context: &Context, args: Args) -> Done {
    tools::check().await?;
    let place = Place::here(args.state.as_deref())?;
    let record = place.record()?.unwrap_or_default();
    let last = Some(record.port).filter(|port| *port != 0);
    let port = args.port.or(last).unwrap_or(DEFAULT_PORT);
    if let Some(server) = record.server.filter(Identity::is_alive) {
        return already(context, &place, &record, server, port).await;
    }
    let (api, agents) = addresses(port)?;
    for address in [api, agents] {
        if port_owner(address.port()).is_some() {
            return Err(port_taken(address.port()));
        }
    }
    let program = agent::program(args.agent.as_deref(), &place.clone)?;
    place.make()?;
    let mut record = Record { clone: place.clone.clone(), port, server: Identity::own(), ..record };
    place.write_record(&record)?;
    let config = configure(context, &place, api, agents)?;
    telemetry::install(&telemetry::quieter("warn", sf_mcp::wire::LIBRARY), config.log.format);
    context.screen.say("Starting ServerFlow");
    let plane = Plane::open(&config).await?;
    let work = Up { context, place: &place, plane: &plane, server: plane.url(&config), agents: agents.to_string() };
    // A first Ctrl-C ends the start, too; what was done is found again.
    let started = tokio::select! {
        started = work.start(&program, &mut record) => Some(started),
        () = stop_signal() => None,
    };
    match started {
        Some(Ok(summary)) => {
            context.screen.event(&summary.document());
            context.screen.say(&summary.text(&context.screen));
            let exit = plane.serve().await;
            context.screen.note("The control plane has stopped. Agent and apps run on: `make run` finds them again, `make stop` ends them.");
            Ok(exit)
        }
        Some(Err(failure)) => {
            plane.stop().await;
            Err(failure)
        }
        None => {
            plane.stop().await;
            context.screen.note("Interrupted. `make run` goes on where this stopped.");
            Ok(Exit::Interrupted)
        }
    }
}

/// A control plane of this clone runs: say where, start nothing.
async fn already(context: &Context, place: &Place, record: &Record, server: Identity, port: u16) -> Done {
    if port != record.port {
        let message =
            format!("The control plane of this clone already runs on port {} (pid {}).", record.port, server.pid);
        return Err(Failure::new(Exit::Failed, "up.other_port", message).fix("Stop it first: make stop"));
    }
    let url = format!("http://127.0.0.1:{port}");
    let token = place.token()?.map(|stored| stored.token);
    let client = Client::new(&url, token, None)?;
    let app = example_app(&client).await?;
    context.screen.say(&format!("ServerFlow already runs (pid {}).", server.pid));
    let summary = Summary::new(url, format!("127.0.0.1:{}", port + 1), None, app, place);
    context.screen.event(&summary.document());
    context.screen.say(&summary.text(&context.screen));
    Ok(Exit::Succeeded)
}

fn addresses(port: u16) -> Result<(SocketAddr, SocketAddr), Failure> {
    let next = port.checked_add(1).filter(|_| port != 0);
    let next = next.ok_or_else(|| {
        Failure::usage(format!("{port} is no port that has a next one.")).fix("Choose one from 1 to 65534.")
    })?;
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok((at(port), at(next)))
}

/// The configuration with what belongs to this clone put over it.
fn configure(context: &Context, place: &Place, api: SocketAddr, agents: SocketAddr) -> Result<Config, Failure> {
    let mut config = Config::load(context.config_file().as_deref())?;
    config.api.listen = api;
    config.agents.listen = agents;
    config.data.folder = place.control();
    Ok(config)
}

struct Up<'a> {
    context: &'a Context,
    place: &'a Place,
    plane: &'a Plane,
    server: String,
    agents: String,
}

impl Up<'_> {
    async fn start(&self, program: &Path, record: &mut Record) -> Result<Summary, Failure> {
        let progress = Arc::new(Progress::new(self.context.screen));
        progress.line(Tone::Good, "✓", &format!("control plane at {}", self.server));
        let (client, welcome) = self.admit().await?;
        if welcome.is_some() {
            progress.line(Tone::Good, "✓", "first administrator made, this machine's CLI is signed in");
        }
        progress.hint("agent");
        let node = self.agent(&client, program, record, &progress).await?;
        let example = Example::make(&self.place.clone.join("examples"), &self.place.repositories()).await?;
        drop(progress);
        let app = self.app(&client, &node, &example).await?;
        Ok(Summary::new(self.server.clone(), self.agents.clone(), welcome, app, self.place))
    }

    /// Makes the first administrator, or takes the token of the last time.
    async fn admit(&self) -> Result<(Client, Option<Welcome>), Failure> {
        let client = Client::new(&self.server, None, None)?;
        if self.plane.control.needs_setup().await? {
            let password = sf_identity::password::generate(&Rng::system());
            self.plane.control.first_admin(ADMIN, ADMIN_NAME, password.clone()).await?;
            let stored = session::sign_in(&client, ADMIN, password.expose()).await?;
            let signed_in = self.keep(&client, stored)?;
            let welcome = Welcome { email: ADMIN.to_owned(), password: password.expose().clone() };
            return Ok((signed_in, Some(welcome)));
        }
        let known = [self.place.token()?, self.stored()?];
        for stored in known.into_iter().flatten() {
            let signed_in = client.with_token(&stored.token);
            if signed_in.get("/auth/me", &[]).await.is_ok() {
                return Ok((self.keep(&client, stored)?, None));
            }
        }
        Err(Failure::new(Exit::Refused, "up.signed_out", "The stored token of this clone is no longer accepted.").fix(format!(
            "Keep this clone's data: start `serverflow server --data {}`, then `serverflow admin reset-password` and \
             `serverflow login`. Or begin anew: make reset",
            self.place.control().display()
        )))
    }

    fn stored(&self) -> Result<Option<Stored>, Failure> {
        let token = crate::credentials::Credentials::load()?.token(&self.server);
        Ok(token.map(|token| Stored { id: String::new(), token, email: ADMIN.to_owned() }))
    }

    /// Keeps a token for the next `up` and for the CLI. A home that cannot be written to is only remarked upon.
    fn keep(&self, client: &Client, stored: Stored) -> Result<Client, Failure> {
        self.place.write_token(&stored)?;
        let signed_in = client.with_token(&stored.token);
        if let Err(failure) = session::keep(&self.server, stored) {
            self.context.screen.note(&format!("The CLI is not signed in: {failure}"));
        }
        Ok(signed_in)
    }

    /// Enrols and starts the agent, or finds it running.
    async fn agent(
        &self,
        client: &Client,
        program: &Path,
        record: &mut Record,
        progress: &Progress,
    ) -> Result<String, Failure> {
        let mut running = agent::running(self.place);
        if let Some(old) = running.filter(|_| !agent::dials(self.place, &self.agents)) {
            progress.hint("the port moved: the agent is started anew, apps run on");
            agent::end(old).await;
            running = None;
        }
        let found = running.is_some();
        if !found {
            agent::prepare(self.place, program)?;
            agent::move_to(self.place, &self.agents)?;
        }
        let node = agent::enrol(self.place, client, &self.agents).await?;
        let process = match running {
            Some(process) => process,
            None => agent::start(self.place)?,
        };
        record.agent = Some(process);
        self.place.write_record(record)?;
        if found {
            progress.say("the agent is running and connects again; its apps serve meanwhile");
            agent::redial(self.place).await;
        }
        agent::online(self.place, client, &node, process).await?;
        let how = if found { "was running and is connected again" } else { "enrolled and online" };
        progress.line(Tone::Good, "✓", &format!("agent (pid {}) {how}", process.pid));
        Ok(node)
    }

    /// Makes and deploys the example, or finds it.
    async fn app(&self, client: &Client, node: &str, example: &Example) -> Result<Value, Failure> {
        let screen = self.context.screen;
        let app = match find_example(client).await? {
            Some(app) => app,
            None => {
                let repository = format!("file://{}", example.folder.display());
                let body = json!({ "name": NAME, "nodeId": node, "settings": { "repository": repository } });
                client.write(Method::POST, "/apps", Some(&body)).await?
            }
        };
        if app.get("liveRelease").is_some_and(|live| !live.is_null()) {
            return running(client, app).await;
        }
        screen.say(&format!("\nDeploying {NAME}, commit {}", value::short(&example.good)));
        let path = format!("/apps/{}/deploy", value::text(&app, "/id"));
        let body = json!({ "commit": example.good, "reference": "main" });
        let answer = client.write(Method::POST, &path, Some(&body)).await?;
        let done = run::follow_to_end(self.context, client, &value::text(run::of(&answer), "/id")).await?;
        if run::exit_of(&done) != Exit::Succeeded {
            let why = value::maybe(&done, "/fault/message").unwrap_or_else(|| run::verdict(&done).2);
            return Err(Failure::new(Exit::Failed, "up.deploy", format!("The example was not deployed: {why}"))
                .fix(format!("See {} and run `make run` again.", self.place.agent_log().display())));
        }
        example_app(client).await
    }
}

/// Waits a little for an app that is being found again; answers it as it is then.
async fn running(client: &Client, app: Value) -> Result<Value, Failure> {
    let path = format!("/apps/{}", value::text(&app, "/id"));
    let wait = async {
        loop {
            let app = client.get(&path, &[]).await?.data;
            if matches!(value::word(&app, "/state").as_str(), "running" | "stopped" | "failed") {
                return Ok(app);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(RUNNING_WITHIN, wait).await.unwrap_or(Ok(app))
}

async fn find_example(client: &Client) -> Result<Option<Value>, Failure> {
    let apps = client.list("/apps", &[]).await?;
    let found = apps.iter().find(|app| value::text(app, "/name") == NAME);
    match found {
        Some(app) => Ok(Some(client.get(&format!("/apps/{}", value::text(app, "/id")), &[]).await?.data)),
        None => Ok(None),
    }
}

async fn example_app(client: &Client) -> Result<Value, Failure> {
    Ok(find_example(client).await?.unwrap_or(Value::Null))
}
