//! `inspect`: a look into a repository before an app exists.

use reqwest::Method;
use serde_json::{Value, json};
use sf_types::ByteSize;

use crate::client::Client;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address of the repository.
    repository: String,
    /// Branch, tag or commit; the repository's default otherwise.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The machine that looks; the only one where there is one.
    #[arg(long)]
    node: Option<String>,
    /// Folder inside the repository that is the app.
    #[arg(long)]
    root: Option<String>,
}

/// Says how the repository would be built and started.
///
/// # Errors
/// The control plane's and the node's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let node = node(&client, args.node.as_deref()).await?;
    let mut body = json!({ "repository": repository(&args.repository)? });
    if let Some(reference) = args.reference {
        body["reference"] = reference.into();
    }
    if let Some(root) = args.root {
        body["build"] = json!({ "root": root });
    }
    let found = client.write(Method::POST, &format!("/nodes/{node}/inspect"), Some(&body)).await?;
    context.screen.answer(&found, facts);
    Ok(Exit::Succeeded)
}

/// The id of the machine meant: the named one, else the only one.
///
/// # Errors
/// None or several machines.
pub async fn node(client: &Client, wanted: Option<&str>) -> Result<String, Failure> {
    if let Some(wanted) = wanted {
        return find_id(client, "/nodes", wanted).await;
    }
    let nodes = client.list("/nodes", &[]).await?;
    match nodes.as_slice() {
        [only] => Ok(value::text(only, "/id")),
        [] => {
            Err(Failure::new(Exit::Failed, "node.none", "No machine is enrolled.")
                .fix("Add one with `serverflow enrol`."))
        }
        several => {
            let names: Vec<_> = several.iter().map(|node| value::text(node, "/name")).collect();
            Err(Failure::usage("There are several machines.")
                .fix(format!("Name one with --node: {}.", names.join(", "))))
        }
    }
}

/// A folder of this machine becomes a `file://` address; everything else stays as it is.
///
/// # Errors
/// A folder whose path is no text.
pub fn repository(text: &str) -> Result<String, Failure> {
    if text.contains("://") || (text.contains(':') && !text.starts_with(['/', '.'])) {
        return Ok(text.to_owned());
    }
    let path = std::fs::canonicalize(text).map_err(|error| {
        Failure::usage(format!("`{text}` is neither an address nor a folder here: {error}."))
            .fix("Give https://…, ssh://…, git@host:path, or a folder that the node's policy lists.")
    })?;
    let path = path.to_str().ok_or_else(|| Failure::usage(format!("The path of `{text}` is no text.")))?;
    Ok(format!("file://{path}"))
}

fn facts(found: &Value) -> String {
    let at = |pointer| value::text(found, pointer);
    let argv = |pointer| match found.pointer(pointer).and_then(Value::as_array) {
        Some(words) => words.iter().map(|word| value::text(word, "")).collect::<Vec<_>>().join(" "),
        None => value::NOTHING.to_owned(),
    };
    let mut table = Table::facts();
    let (commit, subject) = (value::short(&at("/revision/commit")), at("/revision/subject"));
    table.fact("commit", format!("{commit} {subject}"));
    table.fact("at", at("/revision/reference"));
    table.fact("builder", format!("{} ({})", at("/plan/builder"), at("/plan/because")));
    table.fact("install", argv("/plan/install"));
    table.fact("build", argv("/plan/build"));
    table.fact("start", argv("/plan/start"));
    table.fact("publish", at("/plan/publish"));
    table.fact("health", at("/plan/health"));
    let size = value::number(found, "/sizeBytes").map_or_else(|| at("/sizeBytes"), |bytes| ByteSize(bytes).to_string());
    table.fact("size", format!("{size} in {} files", at("/files")));
    table.fact("references", at("/references"));
    let warnings = found.pointer("/plan/warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten() {
        table.fact("warning", value::text(warning, ""));
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_a_file_address_and_addresses_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let text = path.to_str().unwrap();
        assert_eq!(repository(text).unwrap(), format!("file://{text}"));
        for address in ["https://git.example/a", "git@git.example:a/b", "ssh://git@h/a"] {
            assert_eq!(repository(address).unwrap(), address);
        }
        assert!(repository("./there/is/none").is_err());
    }
}
