//! A server as clients of Pterodactyl read it. What we do not have is said as they say that there is none.

use serde_json::{Value, json};
use sf_store::allocations::Allocation;
use sf_store::servers::{Install, Server};

/// Bytes of a mebibyte, in which they count.
const MIB: u64 = 1 << 20;

/// `{"object": "server", "attributes": …}`.
pub(super) fn server(row: &Server, ports: &[Allocation], node: &str, is_owner: bool) -> Value {
    let limits = &row.settings.0.limits;
    let mib = |size: Option<sf_types::ByteSize>| size.map_or(0, |size| size.bytes() / MIB);
    let status = match (row.suspended, row.install) {
        (true, _) => Some("suspended"),
        (_, Install::Missing | Install::Installing) => Some("installing"),
        (_, Install::Failed) => Some("install_failed"),
        (_, Install::Installed) => None,
    };
    let allocations: Vec<_> = ports.iter().enumerate().map(|(at, port)| allocation(at, port)).collect();
    json!({
        "object": "server",
        "attributes": {
            "server_owner": is_owner,
            // Whole: the first digits of our ids are a time, and would be those of others, too.
            "identifier": row.id,
            "internal_id": 0,
            "uuid": row.id,
            "name": row.name,
            "node": node,
            "is_node_under_maintenance": false,
            "sftp_details": { "ip": "", "port": 0 },
            "description": row.settings.0.description,
            "limits": {
                "memory": mib(limits.memory), "swap": mib(limits.swap), "disk": mib(limits.disk), "io": 500,
                "cpu": limits.cpu_percent.unwrap_or(0), "threads": null, "oom_disabled": false,
            },
            "invocation": "",
            "docker_image": row.settings.0.image.clone().unwrap_or_default(),
            "egg_features": [],
            "feature_limits": { "databases": 0, "allocations": row.settings.0.allocation_limit, "backups": 0 },
            "status": status,
            "is_suspended": row.suspended,
            "is_installing": row.install == Install::Installing,
            "is_transferring": false,
            "relationships": {
                "allocations": { "object": "list", "data": allocations },
                "variables": { "object": "list", "data": [] },
            },
        },
    })
}

fn allocation(at: usize, port: &Allocation) -> Value {
    json!({
        "object": "allocation",
        "attributes": {
            "id": at + 1, "ip": port.ip, "ip_alias": port.alias, "port": port.port, "notes": port.note,
            "is_default": port.is_default,
        },
    })
}
