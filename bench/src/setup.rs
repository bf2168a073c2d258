//! Everything before the first request is measured: the graph, the services, who is who, where cursors lead.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

use fastrand::Rng;
use serde_json::Value;
use shared::secret;
use shared::token::TokenSigner;

use crate::cli::Run;
use crate::failure::Failure;
use crate::graph::{Graph, synthetic};
use crate::load::Connection;
use crate::services::Services;
use crate::world::{Pages, World};

/// What people of an imported graph are called before their number.
const PREFIX: &str = "n";
/// Events on a page.
const EVENTS: i64 = 1_000;
/// Owners whose second page is kept.
const LATER_OWNERS: usize = 256;
/// The people with most followers, whose deep pages are kept.
const DEEP_OWNERS: usize = 32;
/// How far down a deep page is, where the list is that long.
const DEPTH: u64 = 50;

/// Reads or draws the graph.
pub fn graph(settings: &Run) -> Result<Graph, Failure> {
    let drawn = settings.drawn;
    let graph = match &settings.graph {
        Some(file) => Graph::read(file, settings.undirected)?,
        None => synthetic::draw(drawn.people, drawn.degree_scale, drawn.seed),
    };
    if graph.edges.is_empty() {
        return Err(Failure::Usage("the graph has no edge".to_owned()));
    }
    Ok(graph)
}

/// Asks for a JSON document.
pub async fn get_json(connection: &mut Connection, path: &str, ending: &[u8]) -> Result<Value, Failure> {
    let request = [format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n").as_bytes(), ending].concat();
    let answer = connection.exchange(&request).await?;
    if answer.status != 200 {
        let text = format!("{path}: {} {}", answer.status, String::from_utf8_lossy(answer.body));
        return Err(io::Error::other(text).into());
    }
    Ok(serde_json::from_slice(answer.body).map_err(io::Error::from)?)
}

/// The world that the services now hold.
pub async fn world(
    settings: &Run,
    graph: Graph,
    data_dir: &Path,
    services: &Services,
    service_token: &str,
) -> Result<Rc<World>, Failure> {
    let ids = ids(&graph, services.users, service_token).await?;
    let seed = secret::load(&data_dir.join("signing-key"))?;
    let signer = TokenSigner::new(&seed).ok_or_else(|| io::Error::other("the signing key cannot be used"))?;
    let viewers = usize::try_from(settings.viewers).unwrap_or(usize::MAX);
    let asked = settings.asked.map_or(usize::MAX, |asked| usize::try_from(asked).unwrap_or(usize::MAX));
    let world = World::new(graph, ids, (viewers, asked), signer, service_token, settings.drawn.seed);
    *world.pages.borrow_mut() = pages(&world, services.relations, settings.drawn.seed).await?;
    Ok(Rc::new(world))
}

/// The ids of the graph's people, from the feed of user-service: names are what the graph knows.
pub async fn ids(graph: &Graph, users: SocketAddr, service_token: &str) -> Result<Vec<String>, Failure> {
    let mut connection = Connection::open(users).await?;
    let ending = format!("authorization: Bearer {service_token}\r\n\r\n");
    let mut by_name = HashMap::new();
    let mut after = 0;
    loop {
        let path = format!("/v1/events?after={after}&limit={EVENTS}");
        let page = get_json(&mut connection, &path, ending.as_bytes()).await?;
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        for event in items.iter().filter(|event| event["type"] == "user.registered") {
            let id = event["subject_id"].as_str().or_else(|| event["actor_id"].as_str());
            if let (Some(id), Some(name)) = (id, event["data"]["username"].as_str()) {
                by_name.insert(name.to_owned(), id.to_owned());
            }
        }
        match page["next_after"].as_i64() {
            Some(next) if !items.is_empty() => after = next,
            _ => break,
        }
    }
    let mut id = |node: &u64| {
        let name = format!("{PREFIX}{node}");
        by_name
            .remove(&name)
            .ok_or_else(|| Failure::Usage(format!("{name} is not there: is the graph loaded?")))
    };
    graph.nodes.iter().map(&mut id).collect()
}

/// Follows cursors to pages that no path leads to.
async fn pages(world: &World, relations: SocketAddr, seed: u64) -> Result<Pages, Failure> {
    let mut connection = Connection::open(relations).await?;
    let mut rng = Rng::with_seed(seed);
    let mut pages = Pages::default();
    for _ in 0..LATER_OWNERS {
        let owner = world.followed(&mut rng);
        let (path, depth) = walk(&mut connection, world.id(owner), 1).await?;
        if depth > 0 {
            pages.later.push(path);
        }
    }
    let mut depths = Vec::new();
    for owner in world.celebrities(DEEP_OWNERS) {
        let (path, depth) = walk(&mut connection, world.id(owner), DEPTH).await?;
        if depth > 0 {
            pages.deep.push(path);
            depths.push(depth);
        }
    }
    pages.depth = depths.iter().sum::<u64>() / u64::try_from(depths.len().max(1)).unwrap_or(1);
    if pages.later.is_empty() || pages.deep.is_empty() {
        return Err(Failure::Usage(
            "nobody has more than one page of followers: take a larger graph".to_owned(),
        ));
    }
    Ok(pages)
}

/// The path of the page that is `depth` pages below the first, or of the last one; and how far down it is.
async fn walk(connection: &mut Connection, owner: &str, depth: u64) -> Result<(String, u64), Failure> {
    let first = format!("/v1/users/{owner}/followers");
    let mut path = first.clone();
    for reached in 0..depth {
        let page = get_json(connection, &path, b"\r\n").await?;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}?cursor={cursor}"),
            None => return Ok((path, reached)),
        }
    }
    Ok((path, depth))
}
