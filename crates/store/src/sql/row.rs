//! Between a row and a struct: each table's columns are named once, in the noun's file.

use rusqlite::types::Value as Own;
use sea_orm::sea_query::Nullable;
use sea_orm::{TryGetable, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sf_protocol::{KeyId, PublicKey};
use sf_types::{Name, Port, Slug, Timestamp};
use uuid::Uuid;

use crate::session::Cells;
use crate::{Result, StoreError};

/// A value of one column.
pub(crate) trait Field: Sized {
    /// What the database holds.
    type Raw: Raw + Into<Value> + Nullable;

    /// Reads what the database holds; the error says what is wrong with it.
    fn from_raw(raw: Self::Raw) -> std::result::Result<Self, String>;
    /// What the database shall hold.
    fn to_raw(&self) -> Self::Raw;
}

/// What both databases hold.
pub(crate) trait Raw: TryGetable {
    /// Takes it from what SQLite holds.
    fn from_file(value: &Own) -> Option<Self>;
}

impl Raw for i64 {
    fn from_file(value: &Own) -> Option<Self> {
        if let Own::Integer(number) = value { Some(*number) } else { None }
    }
}

impl Raw for bool {
    fn from_file(value: &Own) -> Option<Self> {
        i64::from_file(value).map(|number| number != 0)
    }
}

impl Raw for String {
    fn from_file(value: &Own) -> Option<Self> {
        if let Own::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl Raw for Vec<u8> {
    fn from_file(value: &Own) -> Option<Self> {
        if let Own::Blob(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl Raw for Uuid {
    fn from_file(value: &Own) -> Option<Self> {
        if let Own::Blob(bytes) = value { Self::from_slice(bytes).ok() } else { None }
    }
}

impl Raw for serde_json::Value {
    fn from_file(value: &Own) -> Option<Self> {
        if let Own::Text(text) = value { serde_json::from_str(text).ok() } else { None }
    }
}

impl Cells {
    /// What stands in column `at`; `None` where nothing does.
    fn maybe<R: Raw>(&self, at: usize) -> Result<Option<R>> {
        match self {
            Self::Server(row) => Ok(row.try_get_by_index(at)?),
            Self::File(row) => match row.get(at) {
                Some(Own::Null) => Ok(None),
                Some(value) => R::from_file(value).map(Some).ok_or_else(|| unlike::<R>(at)),
                None => Err(unlike::<R>(at)),
            },
        }
    }

    /// What must stand in column `at`.
    fn cell<R: Raw>(&self, at: usize) -> Result<R> {
        self.maybe(at)?.ok_or_else(|| unlike::<R>(at))
    }
}

fn unlike<R>(at: usize) -> StoreError {
    StoreError::malformed(std::any::type_name::<R>(), format!("column {at} holds something else"))
}

/// A column: a field or an optional one.
pub(crate) trait Column: Sized {
    /// Reads column `at`.
    fn read(row: &Cells, at: usize) -> Result<Self>;
    /// As a bound value.
    fn value(&self) -> Value;
}

impl<F: Field> Column for F {
    fn read(row: &Cells, at: usize) -> Result<Self> {
        let raw: F::Raw = row.cell(at)?;
        F::from_raw(raw).map_err(|why| StoreError::malformed(std::any::type_name::<F>(), why))
    }

    fn value(&self) -> Value {
        self.to_raw().into()
    }
}

impl<F: Field> Column for Option<F> {
    fn read(row: &Cells, at: usize) -> Result<Self> {
        let raw: Option<F::Raw> = row.maybe(at)?;
        raw.map(F::from_raw).transpose().map_err(|why| StoreError::malformed(std::any::type_name::<F>(), why))
    }

    fn value(&self) -> Value {
        self.as_ref().map_or_else(F::Raw::null, |field| field.to_raw().into())
    }
}

/// A struct that is a row of one table.
pub(crate) trait Row: Sized {
    /// The table.
    const TABLE: &'static str;
    /// Its columns in the order of the struct's fields.
    const COLUMNS: &'static [&'static str];

    /// Reads [`Row::COLUMNS`] in their order.
    fn read(row: &Cells) -> Result<Self> {
        Self::read_from(row, &mut 0)
    }
    /// The same from column `at` on.
    fn read_from(row: &Cells, at: &mut usize) -> Result<Self>;
    /// The values in that order.
    fn values(&self) -> Vec<Value>;
}

/// Columns can be read by their place only.
pub(crate) fn column<C: Column>(row: &Cells, at: &mut usize) -> Result<C> {
    let value = C::read(row, *at);
    *at += 1;
    value
}

/// A struct and its columns, named once: `field: Type` for a column of that name, `field: Type = "column"` else.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:literal {
            $($(#[$field_meta:meta])* $field:ident: $kind:ty $(= $column:literal)?,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug)]
        $vis struct $name {
            $($(#[$field_meta])* pub $field: $kind,)*
        }

        impl $crate::row::Row for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$($crate::row::row!(@column $field $($column)?)),*];

            fn read_from(row: &$crate::session::Cells, at: &mut usize) -> $crate::Result<Self> {
                Ok(Self { $($field: $crate::row::column(row, at)?,)* })
            }

            fn values(&self) -> Vec<sea_orm::Value> {
                vec![$($crate::row::Column::value(&self.$field)),*]
            }
        }
    };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
}
pub(crate) use row;

/// A closed list of words in a text column.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// The word in the database and the API.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads [`Self::word`] back.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::row::Field for $name {
            type Raw = String;

            fn from_raw(raw: String) -> std::result::Result<Self, String> {
                Self::from_word(&raw).ok_or_else(|| format!("`{raw}` is no known word"))
            }

            fn to_raw(&self) -> String {
                self.word().to_owned()
            }
        }
    };
}
pub(crate) use words;

macro_rules! plain_fields {
    ($($kind:ty),*) => {$(
        impl Field for $kind {
            type Raw = $kind;

            fn from_raw(raw: $kind) -> std::result::Result<Self, String> {
                Ok(raw)
            }

            fn to_raw(&self) -> $kind {
                self.clone()
            }
        }
    )*};
}
plain_fields!(i64, bool, String, Vec<u8>, Uuid);

macro_rules! id_fields {
    ($($name:ident),* $(,)?) => {$(
        impl Field for sf_types::$name {
            type Raw = Uuid;

            fn from_raw(raw: Uuid) -> std::result::Result<Self, String> {
                Ok(Self::from_uuid(raw))
            }

            fn to_raw(&self) -> Uuid {
                self.uuid()
            }
        }
    )*};
}
id_fields!(
    TenantId,
    ProjectId,
    UserId,
    AccountId,
    InvitationId,
    ResetId,
    SessionId,
    TokenId,
    NodeId,
    EnrolTokenId,
    DeviceCodeId,
    CliLoginId,
    ProgramId,
    FactorId,
    TicketId,
    ConnectionId,
    AppId,
    ReleaseId,
    RunId,
    RequestId,
    CommandId,
    ApprovalId,
    InstanceId,
    RoleId,
    GrantId,
    ScheduleId,
    ScheduleRunId,
    ServerId,
    CtrlId,
    AltId,
    AllocationId,
    AlertRuleId,
    AlertId,
    SecretId,
    WorkflowId,
    TriggerId,
    DeputyId,
    NotificationChannelId,
    ProxyId,
);

macro_rules! number_fields {
    ($($kind:ty),*) => {$(
        impl Field for $kind {
            type Raw = i64;

            fn from_raw(raw: i64) -> std::result::Result<Self, String> {
                Self::try_from(raw).map_err(|_| format!("{raw} is out of range"))
            }

            /// Counters never reach 2^63; one that did would stand still there instead of turning negative.
            fn to_raw(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )*};
}
number_fields!(u64, u32, u16, u8);

macro_rules! text_fields {
    ($($kind:ty),*) => {$(
        impl Field for $kind {
            type Raw = String;

            fn from_raw(raw: String) -> std::result::Result<Self, String> {
                raw.parse().map_err(|why| format!("{why}"))
            }

            fn to_raw(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
text_fields!(
    Slug,
    Name,
    sf_types::DomainName,
    sf_types::SecretName,
    sf_actions::Permission,
    sf_engine::workflow::StepKey
);

impl Field for Timestamp {
    type Raw = i64;

    fn from_raw(raw: i64) -> std::result::Result<Self, String> {
        Ok(Self::from_millis(raw))
    }

    fn to_raw(&self) -> i64 {
        self.as_millis()
    }
}

impl Field for Port {
    type Raw = i64;

    fn from_raw(raw: i64) -> std::result::Result<Self, String> {
        u16::try_from(raw).ok().and_then(|port| Self::try_from(port).ok()).ok_or_else(|| format!("{raw} is no port"))
    }

    fn to_raw(&self) -> i64 {
        i64::from(self.get())
    }
}

impl<const N: usize> Field for [u8; N] {
    type Raw = Vec<u8>;

    fn from_raw(raw: Vec<u8>) -> std::result::Result<Self, String> {
        let found = raw.len();
        raw.try_into().map_err(|_| format!("{found} bytes instead of {N}"))
    }

    fn to_raw(&self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Field for KeyId {
    type Raw = Vec<u8>;

    fn from_raw(raw: Vec<u8>) -> std::result::Result<Self, String> {
        <[u8; 32]>::from_raw(raw).map(Self::from_bytes)
    }

    fn to_raw(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }
}

impl Field for PublicKey {
    type Raw = Vec<u8>;

    fn from_raw(raw: Vec<u8>) -> std::result::Result<Self, String> {
        Self::from_bytes(&<[u8; 32]>::from_raw(raw)?).map_err(|why| why.to_string())
    }

    fn to_raw(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }
}

/// A value kept as JSON.
#[derive(Clone, PartialEq, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Field for Json<T> {
    type Raw = serde_json::Value;

    fn from_raw(raw: serde_json::Value) -> std::result::Result<Self, String> {
        serde_json::from_value(raw).map(Self).map_err(|why| why.to_string())
    }

    fn to_raw(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).expect("stored types are structs, lists, numbers and strings with text keys")
    }
}

/// Words that the protocol's own enums write.
macro_rules! serde_words {
    ($($kind:ty),* $(,)?) => {$(
        impl Field for $kind {
            type Raw = String;

            fn from_raw(raw: String) -> std::result::Result<Self, String> {
                serde_json::from_value(serde_json::Value::String(raw)).map_err(|why| why.to_string())
            }

            fn to_raw(&self) -> String {
                match serde_json::to_value(self) {
                    Ok(serde_json::Value::String(word)) => word,
                    _ => unreachable!("these enums have no payload and are written as one word"),
                }
            }
        }
    )*};
}
serde_words!(
    sf_protocol::app::AppState,
    sf_protocol::build::Builder,
    sf_protocol::outcome::Step,
    sf_protocol::report::StepState,
    sf_protocol::report::Stream,
    sf_protocol::Kind,
    sf_policy::learning::Source,
    sf_actions::access::SpeaksFor,
    sf_actions::Environment,
    sf_protocol::site::CertificateFrom,
);
