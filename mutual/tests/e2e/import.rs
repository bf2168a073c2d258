//! Loading a graph.

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;

use serde_json::Value;
use shared::testing::Client;

use crate::world::{Ground, World, on_both_grounds};

on_both_grounds!(a_graph_is_loaded_once_however_often, an_interrupted_load_goes_on);

const NODES: u64 = 300;

/// Each number with several others, a few self-loops and duplicates among them.
fn graph() -> (String, usize) {
    let mut text = String::from("# source target\n");
    let mut edges = 0;
    for source in 0..NODES {
        for step in [1, 2, 5, 17, 40, 111] {
            writeln!(text, "{source} {}", (source * step + step) % NODES).unwrap();
            edges += 1;
        }
    }
    text.push_str("7 7\n8 8\n0 1\n");
    (text, edges)
}

async fn a_graph_is_loaded_once_however_often(ground: Ground) {
    let file = ground.dir().join("graph.txt");
    fs::write(&file, graph().0).unwrap();
    let load = || {
        let output = ground.run(&["import-graph", file.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let first = load();
    assert!(first.contains("300 new, 0 there before"), "{first}");
    ground.audit();
    let again = load();
    assert!(again.contains("people   0 new, 300 there before"), "{again}");
    assert!(again.contains("follows  0 new"), "{again}");
    ground.audit();
    let world = ground.serve();
    for node in [0, 1, 7, 299] {
        counts_equal_walks(&world, node).await;
    }
}

async fn counts_equal_walks(world: &World, node: u64) {
    let users = Client::new(&world.users);
    let person = users.get(&format!("/v1/users/by-username/n{node}")).await.expect(200).json();
    let id = person["id"].as_str().unwrap();
    let relations = Client::new(&world.relations);
    let counts = relations.get(&format!("/v1/users/{id}/counts")).await.expect(200).json();
    for list in ["followers", "following", "friends"] {
        let mut walked = 0;
        let mut next = format!("/v1/users/{id}/{list}?limit=3");
        loop {
            let page = relations.get(&next).await.expect(200).json();
            walked += page["items"].as_array().unwrap().len();
            let Value::String(cursor) = &page["next_cursor"] else { break };
            next = format!("/v1/users/{id}/{list}?limit=3&cursor={cursor}");
        }
        assert_eq!(counts[list], walked, "{list} of n{node}");
    }
}

async fn an_interrupted_load_goes_on(ground: Ground) {
    let file = ground.dir().join("graph.txt");
    let (text, _) = graph();
    // A first load of half of the lines stands for one that was cut off after a commit; a second is
    // killed wherever it happens to be.
    let half: String = text.lines().take(900).flat_map(|line| [line, "\n"]).collect();
    fs::write(&file, half).unwrap();
    assert!(ground.run(&["import-graph", file.to_str().unwrap()]).status.success());
    fs::write(&file, &text).unwrap();
    let mut cut_off = ground.command(&["import-graph", file.to_str().unwrap()]);
    let mut cut_off = cut_off.stdout(Stdio::null()).spawn().unwrap();
    cut_off.kill().unwrap();
    cut_off.wait().unwrap();
    let output = ground.run(&["import-graph", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    ground.audit();
    let again = ground.run(&["import-graph", file.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("follows  0 new"), "{again:?}");
}
