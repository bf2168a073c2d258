//! `mutual audit`: what it says, what it repairs, and beside what it refuses to.

use shared::db::{execute, open_writer};

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(the_command_repairs_what_is_derived_and_says_what);

fn audit(ground: &Ground, flags: &[&str]) -> (Option<i32>, String) {
    let output = ground.run(&[&["audit"], flags].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

async fn the_command_repairs_what_is_derived_and_says_what(ground: Ground) {
    let world = ground.serve();
    let (anna, ben) = (world.register("anna").await, world.register("ben").await);
    anna.follow(&ben).await;
    ben.follow(&anna).await;
    let url = ground.relation_url();
    let embedded = matches!(url, shared::db::DatabaseUrl::Sqlite(_));
    let (code, said) = audit(&ground, &["--repair"]);
    if embedded {
        assert!(code == Some(1) && said.contains("in use") && said.contains("/v1/admin/audit"), "{said}");
    } else {
        assert!(code == Some(0) && !said.contains("REPAIRED"), "{said}");
    }
    drop(world);
    let mut conn = open_writer(&url).unwrap();
    let mut run = |text: &str| execute(&mut conn, text, &[]).unwrap();
    run(&format!("UPDATE counters SET followers = 7 WHERE user_id = {}", anna.id));
    run(&format!("DELETE FROM edges_in WHERE source = {}", anna.id));
    let (code, said) = audit(&ground, &[]);
    assert!(code == Some(1) && said.contains("DRIFT    relations: counters equal"), "{said}");
    let (code, said) = audit(&ground, &["--repair"]);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "REPAIRED relations: counters equal recounted edges: 1 rows".to_owned(),
        format!("         {0} {0}: recounted", anna.id),
        "REPAIRED relations: each edge is stored by source and by target: 1 rows".to_owned(),
        format!("         {} {}: added to the edges by target", anna.id, ben.id),
    ] {
        assert!(said.contains(&line), "{line}\n{said}");
    }
    ground.audit();
    run("INSERT INTO parked_events (feed, seq, reason) VALUES ('user', 5, 'unreadable')");
    let (code, said) = audit(&ground, &["--repair"]);
    assert!(code == Some(1) && said.contains("1 rows: a person has to look"), "{said}");
    run("DELETE FROM parked_events");
    let world = ground.serve();
    let anna = world.log_in("anna", "a long and odd passphrase").await;
    assert_eq!(anna.counts().await["followers"], 1);
}
