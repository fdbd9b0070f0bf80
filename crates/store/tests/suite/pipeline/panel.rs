//! The panel's rows: templates with versions, servers, ports.

use sf_actions::server::ServerSettings;
use sf_store::alts::{self, AltFilter, Written};
use sf_store::servers::{self, NewServer, ServerFilter};
use sf_store::{StoreError, allocations, ctrls};
use sf_types::{AltId, ByteSize, PageRequest, ServerId};

use crate::fixture::{Side, World};
use crate::write;

fn written(name: &str, hash: &str) -> Written {
    let document = serde_json::json!({ "name": name, "hash": hash });
    Written { name: name.parse().unwrap(), document, hash: hash.to_owned(), by: None }
}

pub async fn alt(world: &World, side: Side) -> AltId {
    write!(world.store, side.scope(), |tx| {
        let ctrl = ctrls::create(tx, side.tenant, &"Games".parse().unwrap(), "").await?;
        Ok(alts::create(tx, ctrl.id, written("Tiny", "1"), None).await?.id)
    })
    .unwrap()
}

pub async fn server(world: &World, side: Side, alt: AltId, name: &str) -> sf_store::Result<ServerId> {
    let name = name.parse().unwrap();
    write!(world.store, side.scope(), |tx| {
        let limits = sf_protocol::server::ServerLimits { memory: Some(ByteSize::mib(100)), ..Default::default() };
        let settings = ServerSettings { limits, ..ServerSettings::default() };
        let new = NewServer {
            id: tx.new_id(),
            project: side.project,
            node: side.node,
            owner: side.user,
            alt: (alt, 1),
            name,
            settings,
        };
        Ok(servers::create(tx, new).await?.id)
    })
}

pub async fn versions_that_servers_use_are_kept(world: World) {
    let a = world.a;
    let alt = alt(&world, a).await;
    server(&world, a, alt, "tiny").await.unwrap();
    for n in 2..=(alts::VERSIONS_KEPT + 5) {
        let written = written("Tiny", &n.to_string());
        write!(world.store, a.scope(), |tx| alts::update(tx, alt, written).await).unwrap();
    }
    let reader = world.store.read(a.scope());
    assert!(alts::version(&reader, alt, 1).await.is_ok(), "a server is pinned to it");
    assert!(alts::version(&reader, alt, 2).await.is_err(), "nobody needs it");
    assert!(alts::version(&reader, alt, 6).await.is_ok());
    // The other team sees none of it.
    let other = world.store.read(world.b.scope());
    assert!(matches!(alts::get(&other, alt).await, Err(StoreError::NotFound(_))));
    assert!(alts::page(&other, &AltFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
    assert!(ctrls::page(&other, None, &PageRequest::default()).await.unwrap().items.is_empty());
}

pub async fn a_port_is_one_servers(world: World) {
    let (a, b) = (world.a, world.b);
    let alt = alt(&world, a).await;
    let (one, two) = (server(&world, a, alt, "one").await.unwrap(), server(&world, a, alt, "two").await.unwrap());
    assert!(matches!(server(&world, a, alt, "one").await, Err(StoreError::Taken(_))));
    let ip = "::".parse().unwrap();
    let added = write!(world.store, a.scope(), |tx| allocations::add(tx, a.node, ip, &[2000, 2001], None).await);
    assert_eq!(added.unwrap(), 2);
    let again = write!(world.store, a.scope(), |tx| allocations::add(tx, a.node, ip, &[2001, 2002], None).await);
    assert_eq!(again.unwrap(), 1);
    let reader = world.store.read(a.scope());
    let free = allocations::free(&reader, a.node, &[2000, 2002], 5).await.unwrap();
    assert_eq!(free.iter().map(|one| one.port).collect::<Vec<_>>(), [2001, 2000, 2002], "what is held comes last");
    let port = free[0].id;
    let take =
        async |server| write!(world.store, a.scope(), |tx| allocations::take(tx, port, server, true).await).unwrap();
    assert_eq!((take(one).await, take(two).await), (true, false));
    // Where one address covers another, a port that is taken at one is as good as taken at the other.
    let local = "127.0.0.1".parse().unwrap();
    write!(world.store, a.scope(), |tx| allocations::add(tx, a.node, local, &[2001, 2003], None).await).unwrap();
    let order = async || -> Vec<(u32, String)> {
        let free = allocations::free(&reader, a.node, &[], 9).await.unwrap();
        free.into_iter().map(|one| (one.port, one.ip)).collect()
    };
    let places = |of: &[(u32, &str)]| of.iter().map(|(port, ip)| (*port, (*ip).to_owned())).collect::<Vec<_>>();
    assert_eq!(order().await, places(&[(2000, "::"), (2002, "::"), (2003, "127.0.0.1"), (2001, "127.0.0.1")]));
    let own = allocations::free(&reader, a.node, &[], 9).await.unwrap()[2].id;
    assert!(write!(world.store, a.scope(), |tx| allocations::take(tx, own, two, false).await).unwrap());
    write!(world.store, a.scope(), |tx| allocations::add(tx, a.node, ip, &[2003], None).await).unwrap();
    assert_eq!(order().await, places(&[(2000, "::"), (2002, "::"), (2001, "127.0.0.1"), (2003, "::")]));
    let theirs = world.store.read(b.scope());
    assert!(allocations::get(&theirs, port).await.is_err());
    assert!(servers::get(&theirs, one).await.is_err());
    assert!(servers::page(&theirs, &ServerFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
    let taken = servers::taken(&reader).await.unwrap()[&a.node];
    assert_eq!((taken.memory, taken.servers), (200 << 20, 2));
    write!(world.store, a.scope(), |tx| servers::delete(tx, one).await).unwrap();
    assert_eq!(allocations::count_free(&reader, a.node).await.unwrap(), 5, "its port is free again");
    assert_eq!((take(two).await, allocations::of_server(&reader, two).await.unwrap().len()), (true, 2));
}
