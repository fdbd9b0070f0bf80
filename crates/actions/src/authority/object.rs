//! How an object that rights are given at is written: `{"kind": "app", "id": "..."}` in JSON, `app:<id>` in a query,
//! two columns in a table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rights::Object;
use crate::valid::Refused;

/// An object as it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct ObjectRef(pub Object);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Default for ObjectRef {
    fn default() -> Self {
        Self::TENANT
    }
}

impl ObjectRef {
    /// The team as a whole.
    pub const TENANT: Self = Self(Object::Tenant);

    /// From its kind and id; the team has none.
    ///
    /// # Errors
    /// [`Refused`] when there is no such kind, or the id is none. Empty, `*`, `0` and `null` are none.
    pub fn parse(kind: &str, id: &str) -> Result<Self, Refused> {
        let bad = |what: sf_types::id::BadId| Refused::new("object.id", what.to_string());
        Ok(Self(match kind {
            "tenant" if id.is_empty() => Object::Tenant,
            "tenant" => return Err(Refused::new("object.id", "the team has no id here: leave it out")),
            "project" => Object::Project(id.parse().map_err(bad)?),
            "node" => Object::Node(id.parse().map_err(bad)?),
            "app" => Object::App(id.parse().map_err(bad)?),
            "server" => Object::Server(id.parse().map_err(bad)?),
            _ => return Err(Refused::new("object.kind", "tenant, project, node, app or server is expected")),
        }))
    }

    /// Its kind.
    pub const fn kind(self) -> &'static str {
        match self.0 {
            Object::Tenant => "tenant",
            Object::Project(_) => "project",
            Object::Node(_) => "node",
            Object::App(_) => "app",
            Object::Server(_) => "server",
        }
    }

    /// Its id; empty for the team.
    pub fn id(self) -> String {
        match self.0 {
            Object::Tenant => String::new(),
            Object::Project(id) => id.to_string(),
            Object::Node(id) => id.to_string(),
            Object::App(id) => id.to_string(),
            Object::Server(id) => id.to_string(),
        }
    }
}

impl TryFrom<Written> for ObjectRef {
    type Error = Refused;

    fn try_from(written: Written) -> Result<Self, Refused> {
        match written.id.as_deref() {
            Some("") => Err(Refused::new("object.id", "it is empty")),
            id => Self::parse(&written.kind, id.unwrap_or_default()),
        }
    }
}

impl From<ObjectRef> for Written {
    fn from(object: ObjectRef) -> Self {
        Self { kind: object.kind().to_owned(), id: Some(object.id()).filter(|id| !id.is_empty()) }
    }
}

impl FromStr for ObjectRef {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.split_once(':') {
            None => Self::parse(text, ""),
            Some((_, "")) => Err(Refused::new("object.id", "it is empty")),
            Some((kind, id)) => Self::parse(kind, id),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Object::Tenant => f.write_str("tenant"),
            _ => write!(f, "{}:{}", self.kind(), self.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

    #[test]
    fn objects_read_back_and_nothing_else_does() {
        for kind in ["project", "node", "app", "server"] {
            let text = format!("{kind}:{ID}");
            let object: ObjectRef = text.parse().unwrap();
            assert_eq!(object.to_string(), text);
            let json = serde_json::to_string(&object).unwrap();
            assert_eq!(json, format!(r#"{{"kind":"{kind}","id":"{ID}"}}"#));
            assert_eq!(serde_json::from_str::<ObjectRef>(&json).unwrap(), object);
        }
        assert_eq!("tenant".parse::<ObjectRef>().unwrap(), ObjectRef::TENANT);
        assert_eq!(serde_json::to_string(&ObjectRef::TENANT).unwrap(), r#"{"kind":"tenant"}"#);
        for bad in ["", "*", "app", "app:", "app:*", "app:0", "app:null", "tenant:", "tenant:x", "user:x", "App:x"] {
            assert!(bad.parse::<ObjectRef>().is_err(), "{bad}");
        }
        for bad in [
            r#"{"kind":"app"}"#,
            r#"{"kind":"app","id":null}"#,
            r#"{"kind":"app","id":""}"#,
            r#"{"kind":"app","id":"*"}"#,
            r#"{"kind":"app","id":0}"#,
            r#"{"kind":"tenant","id":"*"}"#,
            r#"{"kind":"tenant","id":""}"#,
            r#"{"kind":"*"}"#,
            r#"{"kind":"tenant","tenantId":"x"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<ObjectRef>(bad).is_err(), "{bad}");
        }
    }
}
