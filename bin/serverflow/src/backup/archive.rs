//! What is inside a backup: one JSON value a line. First what it is, then key files, then each table with its rows,
//! its count and its hash, last a manifest of all of it. Nothing follows the manifest.

use std::io::{self, BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sf_store::dump::{Cell, Chains, Step};
use sha2::{Digest, Sha256};

use super::seal::{Place, damaged};
use crate::failure::{Exit, Failure};

/// The form that is written and read.
const FORMAT: u32 = 1;
/// Longest line, in bytes: 256 MiB. Longer ones are no rows of ours.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The form of the file.
    pub serverflow_backup: u32,
    /// When the moment was that it shows, in milliseconds.
    pub made_at: i64,
    /// The version that made it.
    pub version: String,
    /// Which control plane.
    pub instance: String,
    /// The database it came from.
    pub database: String,
    /// Steps of the schema: number, name, checksum.
    pub steps: Vec<(i64, String, String)>,
    /// Where the master key comes from: `file` (it is inside), `environment`, `command`.
    pub master: String,
}

/// A table in the manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableSum {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Bytes of their lines.
    pub bytes: u64,
    /// SHA-256 of their lines.
    pub sha256: String,
}

/// The last line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// All tables, in the order in which they can be loaded.
    pub tables: Vec<TableSum>,
    /// Key files and their SHA-256.
    pub files: Vec<(String, String)>,
    /// Audit chains: instance, number of the last line, its hash.
    pub audit: Vec<(String, u64, String)>,
}

/// A part of a backup.
#[derive(Debug)]
pub enum Item {
    /// A key file and its mode.
    File(String, u32, Vec<u8>),
    /// The rows that follow are of this table.
    Table(String, Vec<String>),
    /// A row.
    Row(Vec<Cell>),
}

impl Header {
    /// Of a backup made now.
    pub fn new(made_at: i64, instance: &str, database: &str, steps: &[Step], master: &str) -> Self {
        Self {
            serverflow_backup: FORMAT,
            made_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: instance.to_owned(),
            database: database.to_owned(),
            steps: steps.iter().map(|step| (step.version, step.name.clone(), step.checksum.clone())).collect(),
            master: master.to_owned(),
        }
    }

    /// The steps as the store knows them.
    pub fn schema(&self) -> Vec<Step> {
        let step = |(version, name, checksum): &(i64, String, String)| Step {
            version: *version,
            name: name.clone(),
            checksum: checksum.clone(),
        };
        self.steps.iter().map(step).collect()
    }
}

/// Writes the lines.
pub struct Writer<W> {
    out: W,
    line: Vec<u8>,
    manifest: Manifest,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    ///
    /// # Errors
    /// The file's.
    pub fn begin(out: W, header: &Header) -> io::Result<Self> {
        let mut this = Self { out, line: Vec::new(), manifest: Manifest::default(), hash: Sha256::new() };
        this.put(header)?;
        Ok(this)
    }

    /// Adds a key file.
    ///
    /// # Errors
    /// The file's.
    pub fn file(&mut self, name: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.manifest.files.push((name.to_owned(), hex(&Sha256::digest(bytes))));
        self.put(&json!({ "file": name, "mode": mode, "data": STANDARD.encode(bytes) }))
    }

    /// Begins a table.
    ///
    /// # Errors
    /// The file's.
    pub fn table(&mut self, name: &str, columns: &[String]) -> io::Result<()> {
        let sum = TableSum { name: name.to_owned(), rows: 0, bytes: 0, sha256: String::new() };
        self.manifest.tables.push(sum);
        self.hash = Sha256::new();
        self.put(&json!({ "table": name, "columns": columns }))
    }

    /// Adds a row of it.
    ///
    /// # Errors
    /// The file's.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        let values: Vec<Value> = cells.iter().map(written).collect();
        self.put(&values)?;
        self.hash.update(&self.line);
        if let Some(sum) = self.manifest.tables.last_mut() {
            sum.rows += 1;
            sum.bytes += self.line.len() as u64;
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// The file's.
    pub fn end_table(&mut self) -> io::Result<()> {
        let hash = hex(&std::mem::take(&mut self.hash).finalize());
        let Some(sum) = self.manifest.tables.last_mut() else { return Ok(()) };
        sum.sha256 = hash;
        let line = json!({ "end": sum.name, "rows": sum.rows, "sha256": sum.sha256 });
        self.put(&line)
    }

    /// Writes the manifest; answers it and what was written to.
    ///
    /// # Errors
    /// The file's.
    pub fn finish(mut self, audit: Vec<(String, u64, String)>) -> io::Result<(W, Manifest)> {
        self.manifest.audit = audit;
        let line = json!({ "manifest": self.manifest });
        self.put(&line)?;
        Ok((self.out, self.manifest))
    }

    fn put(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }
}

/// Reads the lines and judges them: hashes, counts, audit chains.
pub struct Reader<R> {
    input: R,
    place: Place,
    line: Vec<u8>,
    seen: Manifest,
    columns: Vec<String>,
    hash: Sha256,
    open: bool,
    chains: Chains,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Not a backup, one of a later form, damaged.
    pub fn begin(input: R, place: Place) -> Result<(Self, Header), Failure> {
        let (seen, chains) = (Manifest::default(), Chains::default());
        let (line, columns, hash) = (Vec::new(), Vec::new(), Sha256::new());
        let mut this = Self { input, place, line, seen, columns, hash, open: false, chains };
        let value = this.value()?;
        match value.get("serverflowBackup").and_then(Value::as_u64) {
            None => return Err(this.wrong("it is no backup of ServerFlow")),
            Some(form) if form != u64::from(FORMAT) => {
                let message = format!("This backup has the form {form}, and this program reads {FORMAT}.");
                return Err(Failure::new(Exit::Failed, "backup.newer", message)
                    .fix("Use the version of ServerFlow that made it, or a later one."));
            }
            Some(_) => {}
        }
        let header = serde_json::from_value(value).map_err(|error| this.wrong(&error.to_string()))?;
        Ok((this, header))
    }

    /// The next part; none after the manifest, when everything has been found right.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn next(&mut self) -> Result<Option<Item>, Failure> {
        loop {
            match self.value()? {
                Value::Array(values) => return self.row(values).map(Some),
                Value::Object(map) => {
                    if map.contains_key("end") {
                        self.end(&map)?;
                    } else if map.contains_key("manifest") {
                        return self.finish(map).map(|()| None);
                    } else {
                        return self.part(&map).map(Some);
                    }
                }
                _ => return Err(self.wrong("a line is neither a row nor a part")),
            }
        }
    }

    /// What was found.
    pub fn manifest(&self) -> &Manifest {
        &self.seen
    }

    fn part(&mut self, map: &serde_json::Map<String, Value>) -> Result<Item, Failure> {
        if self.open {
            return Err(self.wrong("a table has no end"));
        }
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        if let (Some(name), Some(mode), Some(data)) = (text("file"), map.get("mode"), text("data")) {
            let bytes = STANDARD.decode(data).map_err(|error| self.wrong(&error.to_string()))?;
            let mode = mode.as_u64().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o600);
            self.seen.files.push((name.to_owned(), hex(&Sha256::digest(&bytes))));
            return Ok(Item::File(name.to_owned(), mode, bytes));
        }
        let columns: Option<Vec<String>> =
            map.get("columns").and_then(|columns| serde_json::from_value(columns.clone()).ok());
        let (Some(name), Some(columns)) = (text("table"), columns) else {
            return Err(self.wrong("a part of it is not known"));
        };
        self.seen.tables.push(TableSum { name: name.to_owned(), rows: 0, bytes: 0, sha256: String::new() });
        (self.hash, self.open, self.columns) = (Sha256::new(), true, columns.clone());
        Ok(Item::Table(name.to_owned(), columns))
    }

    fn row(&mut self, values: Vec<Value>) -> Result<Item, Failure> {
        let cells: Option<Vec<Cell>> = values.into_iter().map(read).collect();
        let cells = cells.ok_or_else(|| self.wrong("a row cannot be read"))?;
        self.hash.update(&self.line);
        let bytes = self.line.len() as u64;
        let Some(sum) = self.seen.tables.last_mut().filter(|_| self.open) else {
            return Err(self.wrong("a row is outside of a table"));
        };
        sum.rows += 1;
        sum.bytes += bytes;
        if let Err(bad) = self.chains.see(&sum.name, &self.columns, &cells) {
            return Err(self.wrong(&bad.to_string()));
        }
        Ok(Item::Row(cells))
    }

    fn end(&mut self, map: &serde_json::Map<String, Value>) -> Result<(), Failure> {
        let hash = hex(&std::mem::take(&mut self.hash).finalize());
        let Some(sum) = self.seen.tables.last_mut().filter(|_| self.open) else {
            return Err(self.wrong("a table ends that did not begin"));
        };
        sum.sha256 = hash;
        let told = json!({ "end": sum.name, "rows": sum.rows, "sha256": sum.sha256 });
        if Value::Object(map.clone()) != told {
            let name = sum.name.clone();
            return Err(self.wrong(&format!("the rows of table {name} are not those that were counted")));
        }
        self.open = false;
        Ok(())
    }

    fn finish(&mut self, mut map: serde_json::Map<String, Value>) -> Result<(), Failure> {
        let told: Manifest = serde_json::from_value(map.remove("manifest").unwrap_or_default())
            .map_err(|error| self.wrong(&error.to_string()))?;
        let chains = std::mem::take(&mut self.chains).finish().map_err(|bad| self.wrong(&bad.to_string()))?;
        self.seen.audit = audit(&chains);
        if told != self.seen || self.open {
            return Err(self.wrong("the manifest is of something else"));
        }
        let rest = self.input.fill_buf().map_err(|error| self.place.damaged(&error))?.is_empty();
        if rest { Ok(()) } else { Err(self.wrong("something follows the manifest")) }
    }

    fn value(&mut self) -> Result<Value, Failure> {
        self.line.clear();
        let mut limited = io::Read::take(&mut self.input, MAX_LINE_BYTES);
        limited.read_until(b'\n', &mut self.line).map_err(|error| self.place.damaged(&error))?;
        if self.line.last() != Some(&b'\n') {
            return Err(self.wrong("it ends before its manifest"));
        }
        serde_json::from_slice(&self.line).map_err(|error| self.wrong(&error.to_string()))
    }

    fn wrong(&self, what: &str) -> Failure {
        damaged(format!("The backup does not hold: {what}."))
    }
}

/// The manifest's lines about chains.
pub fn audit(chains: &[(sf_types::InstanceId, sf_store::audit::Head)]) -> Vec<(String, u64, String)> {
    chains.iter().map(|(instance, head)| (instance.to_string(), head.seq, hex(&head.hash))).collect()
}

fn written(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => (*number).into(),
        Cell::Text(text) => text.as_str().into(),
        Cell::Bytes(bytes) => json!([STANDARD.encode(bytes)]),
    }
}

fn read(value: Value) -> Option<Cell> {
    Some(match value {
        Value::Null => Cell::Null,
        Value::Number(number) => Cell::Int(number.as_i64()?),
        Value::String(text) => Cell::Text(text),
        Value::Array(one) => match one.as_slice() {
            [Value::String(text)] => Cell::Bytes(STANDARD.decode(text).ok()?),
            _ => return None,
        },
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
