//! What durable follows are compared with, round by round.

mod naive;
mod postgres;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use naive::NaiveLine;
use postgres::Cluster;
pub use postgres::binaries as postgres_binaries;
use shared::process::complain;

use crate::failure::Failure;
use crate::figures::Beside;
use crate::measure::Method;
use crate::world::World;

/// Those of them that there are.
pub struct Neighbours {
    naive: NaiveLine,
    postgres: Option<Cluster>,
}

impl Neighbours {
    /// Starts them. `copy` is a relation database that nobody else uses.
    pub async fn start(copy: &Path, world: &Rc<World>, method: Method) -> Result<Self, Failure> {
        let naive = NaiveLine::start(copy, world, method).await?;
        let postgres = match (method.postgres, postgres::binaries()) {
            (true, Some(binaries)) => Some(Cluster::start(&binaries, copy, method.connections).await?),
            (true, None) => {
                complain("no pgbench line: no Postgres server is installed");
                None
            }
            (false, _) => None,
        };
        Ok(Self { naive, postgres })
    }

    /// A round of each.
    pub async fn ask(&mut self, span: Duration) -> Result<Vec<Beside>, Failure> {
        let mut told = vec![self.naive.ask(span).await?];
        if let Some(cluster) = &self.postgres {
            told.push(cluster.ask(postgres::Work::Same, span).await?);
            told.push(cluster.ask(postgres::Work::WithoutLog, span).await?);
        }
        Ok(told)
    }
}
