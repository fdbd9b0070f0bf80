//! Images an engine holds.

use std::collections::BTreeMap;

use hyper::Method;
use serde::Deserialize;

use crate::engine::{escaped, filters, query};
use crate::{Engine, EngineError};

/// An image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// Its digest: `sha256:...`.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Bytes, those shared with other images included.
    pub size: u64,
    /// What its containers run, unless they are told otherwise: entrypoint and command together.
    pub argv: Vec<String>,
    /// The user that it names; empty where it names none.
    pub user: String,
    /// TCP ports that it exposes, ascending.
    pub ports: Vec<u16>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An image as lists have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its digest.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawImage {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    config: Option<RawConfig>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawConfig {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    user: String,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawListed {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl From<RawImage> for Image {
    fn from(raw: RawImage) -> Self {
        let config = raw.config.unwrap_or_default();
        let tcp = |text: &String| text.strip_suffix("/tcp").unwrap_or(text).parse().ok();
        let mut ports: Vec<u16> = config.exposed_ports.iter().flat_map(BTreeMap::keys).filter_map(tcp).collect();
        ports.sort_unstable();
        Self {
            id: raw.id,
            tags: real(raw.repo_tags),
            size: raw.size,
            argv: config.entrypoint.into_iter().flatten().chain(config.cmd.into_iter().flatten()).collect(),
            user: config.user,
            ports,
            labels: config.labels.unwrap_or_default(),
        }
    }
}

/// An image without a name is told as `<none>:<none>`.
fn real(tags: Option<Vec<String>>) -> Vec<String> {
    tags.into_iter().flatten().filter(|tag| !tag.starts_with("<none>")).collect()
}

impl Engine {
    /// An image by name or digest; `None` when it is not there.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn image(&self, name: &str) -> Result<Option<Image>, EngineError> {
        let path = format!("/images/{}/json", escaped(name));
        match self.get::<RawImage>(&path, &format!("the image {name}")).await {
            Ok(raw) => Ok(Some(raw.into())),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Images that all filters apply to, such as `("label", "a=b")`, `("reference", "x/*")`, `("dangling", "true")`.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn images(&self, which: &[(&str, &str)]) -> Result<Vec<Listed>, EngineError> {
        let path = format!("/images/json?{}", query(&[("filters", filters(which))]));
        let listed: Vec<RawListed> = self.get(&path, "its images").await?;
        let one =
            |raw: RawListed| Listed { id: raw.id, tags: real(raw.repo_tags), labels: raw.labels.unwrap_or_default() };
        Ok(listed.into_iter().map(one).collect())
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn tag(&self, id: &str, repository: &str, tag: &str) -> Result<(), EngineError> {
        let names = query(&[("repo", repository.to_owned()), ("tag", tag.to_owned())]);
        let path = format!("/images/{}/tag?{names}", escaped(id));
        self.ask(Method::POST, &path, None, &format!("the name {repository}:{tag}")).await.map(drop)
    }

    /// Takes a name from an image, and the image away with its last one, together with what only it was made from. One
    /// that is not there is fine.
    ///
    /// # Errors
    /// [`EngineError`]; refused with status 409 while a container uses it.
    pub async fn remove_image(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/images/{}", escaped(name));
        match self.ask(Method::DELETE, &path, None, &format!("removing the image {name}")).await {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_what_it_runs() {
        let text = r#"{"Id": "sha256:1", "RepoTags": ["<none>:<none>"], "Size": 5, "Config": {"Entrypoint": ["/e"],
            "Cmd": ["a"], "User": "1000:1000", "ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "80/tcp": {}}, "Labels": null}}"#;
        let image: Image = serde_json::from_str::<RawImage>(text).unwrap().into();
        assert_eq!((image.argv, image.ports), (vec!["/e".to_owned(), "a".to_owned()], vec![80, 8080]));
        assert!(image.tags.is_empty() && image.labels.is_empty());
        let bare: Image = serde_json::from_str::<RawImage>(r#"{"Id": "x", "Config": null}"#).unwrap().into();
        assert!(bare.argv.is_empty() && bare.user.is_empty());
    }
}
