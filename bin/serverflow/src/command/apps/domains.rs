//! `domains`: names that lead to apps.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clone;
use crate::command::deploy::plan;
use crate::context::{Context, find, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Arguments of `domains`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All domains with their certificates (the default)
    List {
        /// Only those that lead to this app.
        #[arg(long, value_name = "APP")]
        app: Option<String>,
        /// Only those with this in the name.
        #[arg(long, value_name = "TEXT")]
        q: Option<String>,
    },
    /// One domain with everything that is known of it
    Show {
        /// Name or id.
        domain: String,
    },
    /// Have a domain lead to an app
    Add {
        /// Its name: shop.example.org
        domain: String,
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
    },
    /// Change how a domain is served; what is not named stays
    Set {
        /// Name or id.
        domain: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
    },
    /// Ask for its certificate now
    Certify {
        /// Name or id.
        domain: String,
        #[command(flatten)]
        how: How,
    },
    /// Have a domain lead nowhere; its certificate is deleted
    Remove {
        /// Name or id.
        domain: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, clap::Args)]
struct How {
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Print the run's id and return.
    #[arg(long)]
    no_follow: bool,
}

/// What changes of a domain's settings.
#[derive(Debug, clap::Args)]
struct Changes {
    /// A further name that is redirected to it; can be repeated. `none` takes all away.
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    /// A path that leads to another app of the same machine: /api=APP; can be repeated. `none` takes all away.
    #[arg(long, value_name = "PATH=APP")]
    route: Vec<String>,
    /// `on`: a certificate, and plain HTTP is redirected to it; `beside`: a certificate, and no redirect; `off`: plain HTTP.
    #[arg(long, value_name = "HOW", value_parser = ["on", "beside", "off"])]
    https: Option<String>,
    /// Whether browsers remember for half a year that it is encrypted.
    #[arg(long)]
    hsts: Option<bool>,
    /// Send everybody to another domain instead. `none` takes it away.
    #[arg(long, value_name = "NAME")]
    redirect: Option<String>,
    /// Browsers may remember that redirect.
    #[arg(long, requires = "redirect")]
    permanent: bool,
    /// Show this instead of the app. `none` takes it away.
    #[arg(long, value_name = "TEXT")]
    maintenance: Option<String>,
    /// MiB that somebody may upload at once.
    #[arg(long, value_name = "MIB")]
    max_upload: Option<u64>,
}

const NONE: &str = "none";

impl Changes {
    /// The settings with what is named put in.
    async fn over(&self, client: &Client, mut settings: Value) -> Result<Value, Failure> {
        if !self.alias.is_empty() {
            let names: Vec<_> = self.alias.iter().filter(|name| *name != NONE).collect();
            settings["aliases"] = json!(names);
        }
        if !self.route.is_empty() {
            let mut routes = Vec::new();
            for route in self.route.iter().filter(|route| *route != NONE) {
                let (path, app) = route
                    .split_once('=')
                    .ok_or_else(|| Failure::usage(format!("`{route}` is no route: write /path=APP.")))?;
                routes.push(json!({ "path": path, "app": find_id(client, "/apps", app).await? }));
            }
            settings["routes"] = json!(routes);
        }
        if let Some(https) = &self.https {
            settings["tls"]["certificate"] = json!(if https == "off" { "none" } else { "acme" });
            settings["tls"]["redirect"] = json!(https == "on");
        }
        if let Some(hsts) = self.hsts {
            if settings["tls"].is_null() {
                settings["tls"] = json!({ "certificate": "acme" });
            }
            settings["tls"]["hsts"] = json!(hsts);
        }
        if let Some(to) = &self.redirect {
            settings["redirect"] =
                if to == NONE { Value::Null } else { json!({ "to": to, "permanent": self.permanent }) };
        }
        if let Some(text) = &self.maintenance {
            settings["maintenance"] = if text == NONE { Value::Null } else { json!({ "text": text }) };
        }
        if let Some(mib) = self.max_upload {
            settings["maxBody"] = json!(mib.saturating_mul(1024 * 1024));
        }
        Ok(settings)
    }
}

/// Runs `domains`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { app: None, q: None }) {
        Command::List { app, q } => {
            let app = match app {
                Some(app) => Some(find_id(&client, "/apps", &app).await?),
                None => None,
            };
            context.list(&client, "/proxies", &[("q", q), ("appId", app)], table).await
        }
        Command::Show { domain } => {
            let domain = named(&client, &domain).await?;
            context.screen.answer(&domain, facts);
            Ok(Exit::Succeeded)
        }
        Command::Add { domain, app, settings, how } => {
            let app = find(&client, "/apps", &app).await?;
            let settings = settings.over(&client, json!({})).await?;
            let body = json!({ "appId": app["id"], "domain": domain, "settings": settings });
            change(context, &client, Method::POST, "/proxies", Some(&body), &how).await
        }
        Command::Set { domain, settings, how } => {
            let domain = named(&client, &domain).await?;
            let settings = settings.over(&client, domain["settings"].clone()).await?;
            put(context, &client, &domain, &settings, &how).await
        }
        Command::Certify { domain, how } => {
            let domain = named(&client, &domain).await?;
            put(context, &client, &domain, &domain["settings"], &how).await
        }
        Command::Remove { domain, yes, how } => {
            let found = named(&client, &domain).await?;
            let name = value::text(&found, "/domain");
            if !yes && !how.dry_run && !clone::agreed(&format!("Remove {name}? It leads nowhere then."))? {
                return Ok(Exit::Refused);
            }
            let path = format!("/proxies/{}", value::text(&found, "/id"));
            change(context, &client, Method::DELETE, &path, None, &how).await
        }
    }
}

async fn put(context: &Context, client: &Client, domain: &Value, settings: &Value, how: &How) -> Done {
    let path = format!("/proxies/{}", value::text(domain, "/id"));
    change(context, client, Method::PUT, &path, Some(&json!({ "settings": settings })), how).await
}

async fn change(
    context: &Context,
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
    how: &How,
) -> Done {
    if how.dry_run {
        let answer = client.write_with(method, path, &[("dryRun", "true".into())], body).await?;
        context.screen.answer(&answer, plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(method, path, body).await?;
    run::settle(context, client, &answer, !how.no_follow).await
}

/// The domain that a person means.
async fn named(client: &Client, wanted: &str) -> Result<Value, Failure> {
    if uuid::Uuid::try_parse(wanted).is_ok() {
        return Ok(client.get(&format!("/proxies/{wanted}"), &[]).await?.data);
    }
    let found = client.list("/proxies", &[("q", wanted.to_lowercase())]).await?;
    let named = found.into_iter().find(|one| value::text(one, "/domain").eq_ignore_ascii_case(wanted));
    named.ok_or_else(|| {
        Failure::new(Exit::Failed, "domain.not_found", format!("There is no domain `{wanted}`."))
            .fix("See them all: serverflow domains")
    })
}

fn certificate(domain: &Value) -> String {
    match value::text(domain, "/certificate/state").as_str() {
        "valid" => format!("until {}", value::moment(domain, "/certificate/notAfter")),
        "missing" => match value::maybe(domain, "/certificate/why/code") {
            Some(code) => format!("missing ({code})"),
            None => "missing".to_owned(),
        },
        _ => "none".to_owned(),
    }
}

fn table(domains: &Value) -> String {
    let mut table = Table::new(&["DOMAIN", "APP", "STATE", "CERTIFICATE", "CHANGED"]);
    for domain in value::items(domains) {
        let at = |pointer| value::text(domain, pointer);
        let changed = value::moment(domain, "/updatedAt");
        table.row([at("/domain"), at("/app"), at("/state"), certificate(domain), changed]);
    }
    table.or("There is no domain. Add one: serverflow domains add shop.example.org APP")
}

fn facts(domain: &Value) -> String {
    let at = |pointer| value::text(domain, pointer);
    let mut table = Table::facts();
    table.fact("domain", at("/domain"));
    table.fact("address", at("/url"));
    table.fact("leads to", at("/app"));
    table.fact("state", at("/state"));
    table.fact("why", at("/reason"));
    table.fact("certificate", certificate(domain));
    table.fact("vouched by", at("/certificate/issuer"));
    table.fact("asks again", value::moment(domain, "/certificate/next"));
    table.fact("last failure", at("/certificate/why/message"));
    table.fact("what to do", at("/certificate/why/fix"));
    for alias in domain.pointer("/settings/aliases").map_or(&[][..], value::items) {
        table.fact("also", value::text(alias, ""));
    }
    for route in domain.pointer("/settings/routes").map_or(&[][..], value::items) {
        table.fact("path", format!("{} leads to app {}", value::text(route, "/path"), value::text(route, "/app")));
    }
    table.fact("goes to", at("/settings/redirect/to"));
    table.fact("maintenance", at("/settings/maintenance/text"));
    table.fact("id", at("/id"));
    table.print()
}
