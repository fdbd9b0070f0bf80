//! What a command works with.

use std::path::PathBuf;

use serde_json::Value;
use uuid::Uuid;

use crate::cli::Global;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::failure::{Done, Exit, Failure};
use crate::screen::Screen;
use crate::value;

/// The control plane of a fresh `make run`.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7400";

/// Global options and the screen.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where answers are shown.
    pub screen: Screen,
    global: Global,
}

impl Context {
    /// The options of this call.
    pub const fn new(global: Global, screen: Screen) -> Self {
        Self { screen, global }
    }

    /// The configuration file asked for.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.global.config.clone()
    }

    /// The control plane meant: the option, else the one signed in to last, else this machine's.
    ///
    /// # Errors
    /// An unreadable credentials file.
    pub fn server(&self) -> Result<String, Failure> {
        let server = match &self.global.server {
            Some(server) => server.clone(),
            None => Credentials::load()?.last().unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
        };
        Ok(server.trim_end_matches('/').to_owned())
    }

    /// A client without a credential.
    ///
    /// # Errors
    /// An unusable address.
    pub fn anonymous(&self) -> Result<Client, Failure> {
        Client::new(&self.server()?, None, self.global.ca.as_deref())
    }

    /// A client of another control plane, without a credential.
    ///
    /// # Errors
    /// An unusable address.
    pub fn anonymous_at(&self, server: &str) -> Result<Client, Failure> {
        Client::new(server.trim_end_matches('/'), None, self.global.ca.as_deref())
    }

    /// A client with the stored or given token.
    ///
    /// # Errors
    /// An unusable address, or nobody is signed in.
    pub fn client(&self) -> Result<Client, Failure> {
        let server = self.server()?;
        let token = match &self.global.token {
            Some(token) => Some(token.clone()),
            None => Credentials::load()?.token(&server),
        };
        if token.is_none() {
            return Err(Failure::new(Exit::Refused, "cli.signed_out", format!("Nobody is signed in to {server}."))
                .fix(format!("Sign in: serverflow login --server {server}")));
        }
        Client::new(&server, token, self.global.ca.as_deref())
    }

    /// Answers with a list, read to its end and narrowed by what of `filter` is given.
    ///
    /// # Errors
    /// The control plane's.
    pub async fn list(
        &self,
        client: &Client,
        path: &str,
        filter: &[(&str, Option<String>)],
        table: impl FnOnce(&Value) -> String,
    ) -> Done {
        let given: Vec<_> = filter.iter().filter_map(|(key, value)| Some((*key, value.clone()?))).collect();
        self.screen.answer(&Value::Array(client.list(path, &given).await?), table);
        Ok(Exit::Succeeded)
    }
}

/// The object of `collection` (`/apps`) that a person means by its id or its name.
///
/// # Errors
/// Not found, naming what there is.
pub async fn find(client: &Client, collection: &str, wanted: &str) -> Result<Value, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(client.get(&format!("{collection}/{wanted}"), &[]).await?.data);
    }
    // Projects and keys come all at once, and not by pages.
    let all = match collection {
        "/projects" | "/tokens" => value::items(&client.get(collection, &[]).await?.data).to_vec(),
        _ => client.list(collection, &[]).await?,
    };
    if let Some(found) = all.iter().find(|item| value::maybe(item, "/name").as_deref() == Some(wanted)) {
        return Ok(found.clone());
    }
    let what = collection.rsplit('/').next().unwrap_or_default().trim_end_matches('s');
    let names: Vec<_> = all.iter().take(10).map(|item| value::text(item, "/name")).collect();
    let fix =
        if names.is_empty() { format!("There is no {what} yet.") } else { format!("There are: {}.", names.join(", ")) };
    Err(Failure::new(Exit::Failed, format!("{what}.not_found"), format!("There is no {what} called `{wanted}`."))
        .fix(fix))
}

/// As [`find`], but only its id.
///
/// # Errors
/// As [`find`].
pub async fn find_id(client: &Client, collection: &str, wanted: &str) -> Result<String, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    Ok(value::text(&find(client, collection, wanted).await?, "/id"))
}
