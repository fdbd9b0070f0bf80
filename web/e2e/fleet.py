"""Puts copies of the one node there is into a control plane's database: names node-001 and so on, not connected.

A fleet is a matter of rows for the pages; what a real agent does is what the other journeys are about.
usage: fleet.py <serverflow.db>, with one public key (Ed25519, hexadecimal) a line on standard input
"""

import hashlib
import os
import sqlite3
import sys
import time

path, keys = sys.argv[1], [bytes.fromhex(line) for line in sys.stdin.read().split()]
with sqlite3.connect(path, timeout=20) as db:
    db.row_factory = sqlite3.Row
    node = dict(db.execute("select * from nodes order by created_at limit 1").fetchone())
    key = dict(db.execute("select * from node_keys where node_id = ?", [node["id"]]).fetchone())

    def put(table, row):
        marks = ", ".join("?" for _ in row)
        db.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))

    now = int(time.time() * 1000)
    for number, public in enumerate(keys, 1):
        made = now - 3_600_000 - number * 1000
        new = made.to_bytes(6, "big") + bytes([0x70 | os.urandom(1)[0] & 0x0F]) + os.urandom(1)
        new += bytes([0x80 | os.urandom(1)[0] & 0x3F]) + os.urandom(7)
        key_id = hashlib.sha256(public).digest()
        put("nodes", node | {
            "id": new, "name": f"node-{number:03}", "public_key": public, "key_id": key_id, "status": "offline",
            "connected_at": None, "connection_id": None, "last_seen_at": now - number * 60_000, "created_at": made,
        })
        put("node_keys", key | {"key_id": key_id, "node_id": new, "public_key": public, "created_at": made})
