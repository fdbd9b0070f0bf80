//! Values of secrets on their way from the daemon to the shim: by a pipe, never by a file, an argument or the
//! launcher's environment. Only the app's own process has them in its environment.

use std::io::{self, Read};

use sf_protocol::SecretKey;
use sf_protocol::app::SecretVar;
use sf_types::{AppId, Secret};

use super::spec::ShimSpec;

/// Bytes of all values of one process on their way at the most: as many as an order can hold, as JSON.
const MAX_GIVEN_BYTES: u64 = 512 * 1024;

/// Variables with their values.
pub type Values = Vec<(String, Secret<String>)>;

/// Opens what a process is to be given. The error is the name of the variable that this node cannot open.
///
/// # Errors
/// See above.
pub fn open(app: AppId, sealed: &[SecretVar], node: &SecretKey) -> Result<Values, String> {
    let one = |var: &SecretVar| match var.open(app, node) {
        Ok(value) if !value.expose().contains('\0') => Ok((var.name.clone(), value)),
        _ => Err(var.name.clone()),
    };
    sealed.iter().map(one).collect()
}

/// As they are written to the launcher; `None` where there are none.
pub fn written(values: &Values) -> Option<Secret<Vec<u8>>> {
    if values.is_empty() {
        return None;
    }
    let texts: Vec<_> = values.iter().map(|(name, value)| (name, value.expose())).collect();
    Some(Secret::new(serde_json::to_vec(&texts).expect("pairs of texts")))
}

/// Reads from the launcher's standard input what `spec` needs. The error says which variable is missing.
///
/// # Errors
/// See above; what the operating system says.
pub fn read(spec: &ShimSpec) -> io::Result<Values> {
    if spec.secrets.is_empty() {
        return Ok(Vec::new());
    }
    let mut given = Secret::new(Vec::new());
    io::stdin().lock().take(MAX_GIVEN_BYTES).read_to_end(given.expose_mut())?;
    let texts: Vec<(String, String)> =
        serde_json::from_slice(given.expose()).map_err(|_| io::Error::other("its secrets were not given"))?;
    let values: Values = texts.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
    let missing = spec.secrets.iter().find(|var| !values.iter().any(|(name, _)| *name == var.name));
    match missing {
        Some(var) => Err(io::Error::other(format!("its secret variable {} was not given", var.name))),
        None => Ok(values),
    }
}
