//! The schema as a job of its own.

use shared::on_both_databases;
use shared::testing::{TestDatabase, schema_is_made_when_asked};

on_both_databases!(a_job_makes_the_schema);

async fn a_job_makes_the_schema(make: impl Fn() -> TestDatabase) {
    schema_is_made_when_asked(env!("CARGO_BIN_EXE_relation-service"), &make());
}
