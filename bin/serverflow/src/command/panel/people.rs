//! `servers people` and `servers share`: who may do what with one server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::command::deploy;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `servers people`.
#[derive(Debug, clap::Args)]
pub struct People {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
}

/// Arguments of `servers share`.
#[derive(Debug, clap::Args)]
pub struct Share {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// Their address. Who is not in the team yet is invited, and gets it by joining.
    email: String,
    /// A role they get at this server.
    #[arg(long, required_unless_present = "permissions", conflicts_with = "permissions")]
    role: Option<String>,
    /// A single permission in place of a role; may be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
}

/// Prints who was given what at a server.
///
/// # Errors
/// The control plane's.
pub async fn list(context: &Context, args: People) -> Done {
    let client = context.client()?;
    let server = find_id(&client, "/servers", &args.which).await?;
    let people = client.get(&format!("/servers/{server}/users"), &[]).await?.data;
    context.screen.answer(&people, table);
    Ok(Exit::Succeeded)
}

fn table(people: &Value) -> String {
    let mut table = Table::new(&["NAME", "EMAIL", "HAS"]);
    for person in value::items(people) {
        let what = |grant: &Value| match grant.get("roleTitle").and_then(Value::as_str) {
            Some(role) => role.to_owned(),
            None => value::text(grant, "/permissions/0"),
        };
        let has: Vec<_> = person.get("grants").map_or(&[][..], value::items).iter().map(what).collect();
        table.row([value::text(person, "/name"), value::text(person, "/email"), has.join(", ")]);
    }
    table.or("Nobody was given anything at this server itself.")
}

/// Gives somebody rights at a server, or invites them to it.
///
/// # Errors
/// The control plane's.
pub async fn share(context: &Context, args: Share) -> Done {
    let client = context.client()?;
    let server = find_id(&client, "/servers", &args.which).await?;
    let object = json!({ "kind": "server", "id": server });
    // Who may not see people invites: whether somebody has an account is told by the letter alone.
    let known = match client.list("/users", &[("q", args.email.clone())]).await {
        Ok(people) => people.into_iter().find(|one| value::text(one, "/email").eq_ignore_ascii_case(&args.email)),
        Err(failure) if failure.exit == Exit::Refused => None,
        Err(failure) => return Err(failure),
    };
    let (path, body) = match (&known, &args.role) {
        (Some(person), Some(role)) => (grants(person), json!({ "role": role, "object": object })),
        (Some(person), None) => (grants(person), json!({ "permissions": args.permissions, "object": object })),
        (None, Some(role)) => {
            ("/invitations".to_owned(), json!({ "email": args.email, "role": role, "object": object }))
        }
        (None, None) => {
            let body = json!({ "email": args.email, "permissions": args.permissions, "object": object });
            ("/invitations".to_owned(), body)
        }
    };
    if args.dry_run {
        let answer = client.write_with(Method::POST, &path, &[("dryRun", "true".into())], Some(&body)).await?;
        context.screen.answer(&answer, deploy::plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(Method::POST, &path, Some(&body)).await?;
    context.screen.answer(&answer, |answer| match answer.get("link").and_then(Value::as_str) {
        Some(link) => format!("{} is invited. The link is good once, for a week:\n{link}", args.email),
        None => format!("{} has it from now on.", args.email),
    });
    Ok(Exit::Succeeded)
}

fn grants(person: &Value) -> String {
    format!("/users/{}/grants", value::text(person, "/id"))
}
